"""Takes a stream_url apart more strictly than its later readers do, so that no two of them understand it differently.

What a reader could trip over (blanks, backslashes, a second @, a number that is an address after all) is refused, not
mended: a camera's address can always be written plainly.
"""

import re
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from urllib.parse import unquote

from watchpost.api.source_addresses import IPAddress
from watchpost.errors import SourceRefusedError

__all__ = ["SourceUrl", "parse_source_url", "refused"]

_LONGEST = 2048
_LONGEST_NAME = 253
_LAST_PORT = 65535
_SHAPE = re.compile(r"(?P<scheme>[^:/?]*)://(?P<authority>[^/?]*)(?P<rest>(?:[/?].*)?)")
_SCHEMES = frozenset({"rtsp", "rtsps", "http", "https"})
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?", re.IGNORECASE)
_NUMBER = re.compile(r"0x[0-9a-f]*|[0-9]+", re.IGNORECASE)
_USERINFO = re.compile(r"[A-Za-z0-9\-._~!$&'()*+,;=:%]*")
_REST = re.compile(r"[A-Za-z0-9\-._~!$&'()*+,;=:@%/?\[\]]*")
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_PLAYLIST = re.compile(r"\.(m3u8?|mpd|pls|ram|asx|wax|wvx|xspf|ism|f4m|smil?|ffconcat|sdp)(?=[/;]|$)", re.IGNORECASE)
_SECRET_IN_PATH = re.compile(r"(?:^|[?&;/_])(?:password|passwd|passwort|pass|pwd|psw)=[^&;/_]", re.IGNORECASE)


@dataclass(frozen=True, slots=True, repr=False)
class SourceUrl:
    """A stream_url in its parts. `credentials` are secret, hence no repr. `rest` is the path with the query."""

    scheme: str
    credentials: str | None
    host: str | IPAddress
    port: int | None
    rest: str

    @property
    def shown(self) -> str:
        """The address as it may be told and logged."""
        return self.at(self.host)

    def at(self, host: str | IPAddress) -> str:
        """The same stream at another host, without credentials."""
        name = f"[{host}]" if isinstance(host, IPv6Address) else str(host)
        port = "" if self.port is None else f":{self.port}"
        return f"{self.scheme}://{name}{port}{self.rest}"


def refused(problem: str, remedy: str) -> SourceRefusedError:
    """The refusal of the request's stream_url."""
    return SourceRefusedError("stream_url", problem, remedy)


def parse_source_url(stream_url: str) -> SourceUrl:
    """The parts of a caller's `rtsp://`, `rtsps://`, `http://` or `https://` address; names come in small letters.

    Raises:
        SourceRefusedError: it is no such address, or not written plainly.
    """
    _check_letters(stream_url)
    shape = _SHAPE.fullmatch(stream_url)
    scheme = shape["scheme"] if shape else stream_url.partition(":")[0]
    if scheme not in _SCHEMES or shape is None:
        is_loud = scheme != scheme.lower() and scheme.lower() in _SCHEMES
        problem = "its scheme is not in small letters" if is_loud else "it names no camera on a network"
        raise refused(problem, "write rtsp://HOST/PATH, or rtsps://, http:// or https://, in small letters")
    userinfo, at, address = shape["authority"].rpartition("@")
    host, port = _host_and_port(address)
    rest = _checked_rest(shape["rest"], scheme)
    return SourceUrl(scheme, _credentials(userinfo) if at else None, host, port, rest)


def _check_letters(stream_url: str) -> None:
    if len(stream_url) > _LONGEST:
        raise refused(f"it has {len(stream_url)} letters", f"write at most {_LONGEST}")
    if not stream_url.isascii():
        raise refused("it holds letters outside ASCII", "write a name as xn--…, and a path's letters as %XX")
    if not stream_url.isprintable() or set(stream_url) & set(' \\"<>^`{|}'):
        raise refused('it holds blanks, control characters or one of \\ " < > ^ ` { | }', "write them as %XX")
    if "#" in stream_url:
        raise refused("it has a fragment (#…)", "leave it out, or write # as %23")


def _credentials(userinfo: str) -> str:
    """As they lie in a secret's file: user, a colon, the password, both as the camera knows them."""
    if not _USERINFO.fullmatch(userinfo) or _BAD_ESCAPE.search(userinfo):
        raise refused("its user and password are not written plainly", "write @ as %40, / as %2F and % as %25 in them")
    user, _, password = userinfo.partition(":")
    try:
        user, password = unquote(user, errors="strict"), unquote(password, errors="strict")
    except UnicodeDecodeError:
        raise refused("its user and password are not UTF-8", "write their letters as %XX of UTF-8") from None
    if not user or ":" in user:
        raise refused("there is no user before the @, or a colon in it", "write USER:PASSWORD@HOST")
    credentials = f"{user}:{password}"
    if not credentials.isprintable() or credentials != credentials.strip():
        raise refused("its user or password holds control characters, or blanks at an end", "set another at the camera")
    return credentials


def _host_and_port(address: str) -> tuple[str | IPAddress, int | None]:
    host, colon, port = address.rpartition(":") if re.search(r":[^\]]*$", address) else (address, "", "")
    if not colon:
        return _host(host), None
    if not re.fullmatch(r"[1-9][0-9]{0,4}", port) or int(port) > _LAST_PORT:
        raise refused("its port is not a number from 1 to 65535", "write HOST:554, or leave the colon out")
    return _host(host), int(port)


def _host(host: str) -> str | IPAddress:
    if host.startswith("["):
        try:
            return IPv6Address(host[1:-1] if host.endswith("]") and "%" not in host else "")
        except AddressValueError:
            raise refused("what stands in [ ] is no IPv6 address", "write it as [fd00::5], without a zone") from None
    labels = host.split(".")
    if _NUMBER.fullmatch(labels[-1]):
        try:
            return IPv4Address(host)
        except AddressValueError:
            raise refused("its host is a number, but not four of 0 to 255", "write it as 192.168.1.64") from None
    if len(host) > _LONGEST_NAME or not all(map(_LABEL.fullmatch, labels)):
        raise refused("its host is no host name", "write letters, digits and - between single dots, or an address")
    return host.lower()


def _checked_rest(rest: str, scheme: str) -> str:
    if not _REST.fullmatch(rest) or _BAD_ESCAPE.search(rest):
        raise refused("its path is not written plainly", "write what is no letter, digit or - . _ ~ as %XX")
    if "@" in rest.partition("?")[0]:
        raise refused("there is an @ in its path", "write it as %40, and a / in a password as %2F")
    plain = unquote(rest, errors="replace")
    if _CONTROL.search(plain):
        raise refused("its path holds control characters", "leave %00 to %1F and %7F out")
    if _SECRET_IN_PATH.search(plain):
        raise refused(
            "there is a password in its path",
            "write USER:PASSWORD@ before the host; a camera that takes it in no other way belongs into config.yaml",
        )
    playlist = _PLAYLIST.search(unquote(rest.partition("?")[0]))
    # cameras end their own paths in .sdp, and over rtsp it is a name like any other
    if playlist and not (scheme.startswith("rtsp") and playlist[1].lower() == "sdp"):
        raise refused(f"{playlist[0]} is a playlist", "name the stream itself: what a playlist names is not checked")
    return f"/{rest}" if rest.startswith("?") else rest
