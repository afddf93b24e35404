"""Decides whether a caller may have a stream opened, so that nobody reaches through cameras what is not theirs.

    guarded = guard_source("rtsp://admin:secret@nvr.shop.example/live", settings.api.allowed_sources, resolve_host)
    guarded.source          # rtsp://10.0.0.7/live: what ingest opens, and nothing else
    guarded.credentials     # admin:secret: for a file of secrets
    guarded.shown           # rtsp://nvr.shop.example/live

A name is resolved here and never again: whoever owns it could answer the second time with another address. Where the
name is still needed, to check a certificate or to ask a web server for the right site, it follows as `#host=NAME`.
"""

import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

from watchpost.api.source_addresses import LOOPBACKS, AddressKind, IPAddress, IPNetwork, kind_of
from watchpost.api.source_url import SourceUrl, parse_source_url, refused

__all__ = ["GuardedSource", "Resolver", "guard_source", "resolve_host"]

Resolver = Callable[[str], Sequence[str]]
"""The addresses of a host name, in the order of preference. Raises OSError where there are none."""

_MOST_ADDRESSES = 64
_NEEDS_NAME = frozenset({"rtsps", "http", "https"})


@dataclass(frozen=True, slots=True)
class GuardedSource:
    """A stream that may be opened.

    Args:
        source: its address, with the resolved IP address in place of the name and without credentials.
        credentials: `user:password` as the camera knows them, or None. Never shown.
        shown: the address as the caller wrote it, without credentials.
    """

    source: str
    credentials: str | None
    shown: str

    def __repr__(self) -> str:
        return f"GuardedSource({self.shown!r})"


def guard_source(stream_url: str, allowed_sources: Sequence[str], resolve: Resolver) -> GuardedSource:
    """The stream that `stream_url` names, if its caller may have it opened.

    Args:
        stream_url: as the caller sent it.
        allowed_sources: networks and host names that may be reached although they are refused by default: private
            networks and names in them by http, the shared network 100.64.0.0/10, and loopback where an entry names
            `localhost` or a network within it (0.0.0.0/0 does not).
        resolve: asked once, for a name.

    Raises:
        SourceRefusedError: it may not, with what to write instead.
    """
    url = parse_source_url(stream_url)
    allowed = _Allowed.of(allowed_sources)
    if not isinstance(url.host, str):
        _check(url, url.host, allowed)
        return GuardedSource(url.at(url.host), url.credentials, url.shown)
    addresses = _resolved(url.host, resolve)
    for address in addresses:
        _check(url, address, allowed)
    source = url.at(addresses[0])
    name = f"#host={url.host}" if url.scheme in _NEEDS_NAME else ""
    return GuardedSource(source + name, url.credentials, url.shown)


def resolve_host(name: str) -> tuple[str, ...]:
    """The addresses that this machine's resolver gives. It blocks for as long as that takes.

    Raises:
        OSError: there are none.
    """
    found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(address[0]) for *_, address in found))


@dataclass(frozen=True, slots=True)
class _Allowed:
    networks: tuple[IPNetwork, ...]
    names: frozenset[str]

    @classmethod
    def of(cls, entries: Sequence[str]) -> "_Allowed":
        networks: list[IPNetwork] = []
        names: set[str] = set()
        for entry in entries:
            try:
                networks.append(ip_network(entry, strict=False))
            except ValueError:
                names.add(entry.lower())
        if "localhost" in names:
            networks += LOOPBACKS
        return cls(tuple(networks), frozenset(names))

    def holds(self, address: IPAddress) -> bool:
        return any(address.version == network.version and address in network for network in self.networks)

    def holds_loopback(self, address: IPAddress) -> bool:
        within = [network for network in self.networks if any(_is_within(network, loopback) for loopback in LOOPBACKS)]
        return any(address.version == network.version and address in network for network in within)


def _is_within(network: IPNetwork, wider: IPNetwork) -> bool:
    return network.version == wider.version and network.prefixlen >= wider.prefixlen and network[0] in wider


def _resolved(name: str, resolve: Resolver) -> tuple[IPAddress, ...]:
    try:
        found = resolve(name)
        # a zone (%eth0) belongs to link-local addresses alone: without it they are seen for what they are
        addresses = tuple(ip_address(text.partition("%")[0]) for text in found)
    except (OSError, ValueError, UnicodeError):
        addresses = ()
    if not addresses or len(addresses) > _MOST_ADDRESSES:
        raise refused(f"the name {name} cannot be resolved here", "check its spelling, or write the camera's address")
    return addresses


def _check(url: SourceUrl, address: IPAddress, allowed: _Allowed) -> None:
    match kind_of(address):
        case AddressKind.PUBLIC:
            is_allowed, remedy = True, ""
        case AddressKind.PRIVATE as kind:
            named = isinstance(url.host, str) and url.host in allowed.names
            is_allowed = url.scheme.startswith("rtsp") or named or allowed.holds(address)
            remedy = "use rtsp://, or have the operator add it to api.allowed_sources"
        case AddressKind.SHARED as kind:
            is_allowed, remedy = allowed.holds(address), "have the operator add its network to api.allowed_sources"
        case AddressKind.LOOPBACK as kind:
            is_allowed, remedy = (
                allowed.holds_loopback(address),
                "name a camera; this machine's belong into config.yaml",
            )
        case kind:
            is_allowed, remedy = False, "name the camera by its own address"
    if not is_allowed:
        where = str(url.host) if address == url.host else f"{url.host} ({address})"
        raise refused(f"{where} is {kind}, where {url.scheme} may not lead", remedy)
