"""Sorts IP addresses by what may lie behind them, so that the guard of stream_urls decides on few kinds."""

from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

__all__ = ["LOOPBACKS", "AddressKind", "IPAddress", "IPNetwork", "kind_of"]

IPAddress = IPv4Address | IPv6Address
IPNetwork = IPv4Network | IPv6Network

LOOPBACKS: tuple[IPNetwork, ...] = (IPv4Network("127.0.0.0/8"), IPv6Network("::1/128"))


class AddressKind(StrEnum):
    """What an address is; the value is how a refusal names it."""

    PUBLIC = "a public address"
    PRIVATE = "in a private network"
    SHARED = "in the network that providers and VPNs share"
    LOOPBACK = "this machine itself"
    LINK_LOCAL = "a link-local address"
    METADATA = "a cloud's metadata service"
    UNSPECIFIED = "the unspecified address"
    MULTICAST = "a multicast or broadcast address"
    EMBEDDED = "an IPv4 address in the disguise of an IPv6 one"
    RESERVED = "a reserved address"


def _networks(*texts: str) -> tuple[IPNetwork, ...]:
    return tuple(ip_network(text) for text in texts)


# the first that holds an address says what it is: the narrow stand before the wide
_KINDS: tuple[tuple[AddressKind, tuple[IPNetwork, ...]], ...] = (
    # Alibaba, Azure's wire server, Oracle; AWS (EC2, EKS), Google. 169.254.169.254 is link-local as well
    (AddressKind.METADATA, _networks("169.254.169.254/32", "100.100.100.200/32", "168.63.129.16/32", "192.0.0.192/32")),
    (AddressKind.METADATA, _networks("fd00:ec2::/32", "fd20:ce::/32")),
    (AddressKind.LOOPBACK, LOOPBACKS),
    (AddressKind.LINK_LOCAL, _networks("169.254.0.0/16", "fe80::/10")),
    (AddressKind.UNSPECIFIED, _networks("0.0.0.0/8", "::/128")),
    (AddressKind.MULTICAST, _networks("224.0.0.0/4", "255.255.255.255/32", "ff00::/8")),
    # mapped and compatible; what SIIT translates; 6to4 and its relays; Teredo; NAT64 with a prefix of its own
    (AddressKind.EMBEDDED, _networks("::/96", "::ffff:0:0/96", "::ffff:0:0:0/96", "2002::/16", "2001::/32")),
    (AddressKind.EMBEDDED, _networks("64:ff9b:1::/48", "192.88.99.0/24")),
    (AddressKind.PRIVATE, _networks("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")),
    (AddressKind.SHARED, _networks("100.64.0.0/10")),
    # documentation, benchmarks, ORCHID
    (AddressKind.RESERVED, _networks("192.0.0.0/24", "192.0.2.0/24", "198.18.0.0/15", "198.51.100.0/24")),
    (AddressKind.RESERVED, _networks("203.0.113.0/24", "240.0.0.0/4", "2001::/23", "2001:db8::/32", "3fff::/20")),
)
_NAT64 = IPv6Network("64:ff9b::/96")
_GLOBAL_UNICAST = IPv6Network("2000::/3")
# ISATAP: the interface is 0000:5efe or 0200:5efe and an IPv4 address
_ISATAP_INTERFACES = {0x00005EFE, 0x02005EFE}


def kind_of(address: IPAddress) -> AddressKind:
    """What may lie behind `address`.

    A network of IPv6 alone reaches public IPv4 cameras through 64:ff9b::/96, and its DNS answers so: those are what
    the IPv4 address in them is, as long as that is public.
    """
    if isinstance(address, IPv6Address) and address in _NAT64:
        inner = kind_of(IPv4Address(int(address) & 0xFFFF_FFFF))
        return AddressKind.PUBLIC if inner is AddressKind.PUBLIC else AddressKind.EMBEDDED
    for kind, networks in _KINDS:
        if any(address.version == network.version and address in network for network in networks):
            return kind
    return AddressKind.PUBLIC if isinstance(address, IPv4Address) else _kind_of_other(address)


def _kind_of_other(address: IPv6Address) -> AddressKind:
    if (int(address) >> 32) & 0xFFFF_FFFF in _ISATAP_INTERFACES:
        return AddressKind.EMBEDDED
    return AddressKind.PUBLIC if address in _GLOBAL_UNICAST else AddressKind.RESERVED
