"""Reads the addresses that REST put into specs: an IP address, and nothing to be looked up or followed."""

import re
import ssl
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from urllib.parse import urlsplit

from watchpost.errors import SourceError, SourceFailure

__all__ = ["GuardedAddress", "parse_guarded_address"]

_PORTS = {"rtsp": 554, "rtsps": 322, "http": 80, "https": 443}
_HOST_FRAGMENT = re.compile(r"host=([a-z0-9_.-]{1,253})")


@dataclass(frozen=True, slots=True)
class GuardedAddress:
    """A camera at a pinned address. `rest` is the path with the query; `name` is what a caller called the host."""

    scheme: str
    ip: str
    port: int
    rest: str
    name: str | None

    @property
    def is_rtsp(self) -> bool:
        """Whether it is read over RTSP; else over HTTP."""
        return self.scheme.startswith("rtsp")

    @property
    def is_encrypted(self) -> bool:
        """Whether TLS comes first."""
        return self.scheme.endswith("s")

    @property
    def bracketed_ip(self) -> str:
        """The address as it stands in a URL."""
        return f"[{self.ip}]" if ":" in self.ip else self.ip

    def tls(self) -> ssl.SSLContext:
        """Verifies the name that the caller gave. A bare address is encrypted and not verified.

        Cameras carry certificates that they made themselves, which name nothing; whoever wants proof names the host.
        """
        context = ssl.create_default_context()
        if self.name is None:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context


def parse_guarded_address(source: str) -> GuardedAddress:
    """The parts of a spec's source as the guard of the api writes it.

    Raises:
        SourceError: refused where it is anything else, such as a file or a name.
    """
    try:
        parts = urlsplit(source)
        ip, port = ip_address(parts.hostname or ""), parts.port
    except ValueError:
        raise _not_guarded("it does not hold an IP address") from None
    if parts.scheme not in _PORTS or parts.username is not None or (isinstance(ip, IPv6Address) and ip.scope_id):
        raise _not_guarded("only rtsp, rtsps, http and https at an IP address are")
    host = _HOST_FRAGMENT.fullmatch(parts.fragment)
    if parts.fragment and host is None:
        raise _not_guarded("it has a fragment that is no host")
    rest = source.partition("#")[0].partition(parts.netloc)[2]
    return GuardedAddress(parts.scheme, str(ip), port or _PORTS[parts.scheme], rest, host[1] if host else None)


def _not_guarded(why: str) -> SourceError:
    return SourceError(SourceFailure.REFUSED, f"this address may not be opened for a caller of REST: {why}")
