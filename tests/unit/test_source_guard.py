"""What a caller of the REST interface may have opened, and what never."""

import re
from collections.abc import Sequence
from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watchpost.api.source_addresses import AddressKind, IPAddress, kind_of
from watchpost.api.source_guard import GuardedSource, guard_source, resolve_host
from watchpost.errors import SourceRefusedError

NAMES: dict[str, tuple[str, ...]] = {
    "cam.example": ("93.184.215.14",),
    "cam6.example": ("2606:2800:21f:cb07:6820:80da:af6b:8b2c",),
    "nvr.shop.example": ("10.0.0.7", "fd12::7"),
    "localhost": ("127.0.0.1", "::1"),
    "turned.example": ("127.0.0.1",),
    "half.example": ("93.184.215.14", "127.0.0.1"),
    "half6.example": ("93.184.215.14", "::1"),
    "zone.example": ("fe80::1%eth0",),
    "mapped.example": ("::ffff:127.0.0.1",),
    "metadata.google.internal": ("169.254.169.254",),
    "nobody.example": (),
    "broken.example": ("not an address",),
    "endless.example": ("93.184.215.14",) * 100,
    "dns64.example": ("64:ff9b::5db8:d70e", "93.184.215.14"),
}


def resolve(name: str) -> Sequence[str]:
    if name not in NAMES:
        raise OSError("Name or service not known")
    return NAMES[name]


def guarded(url: str, *allowed: str) -> GuardedSource:
    return guard_source(url, allowed, resolve)


def refusal_of(url: str, *allowed: str) -> SourceRefusedError:
    with pytest.raises(SourceRefusedError) as caught:
        guarded(url, *allowed)
    return caught.value


FORBIDDEN = [
    # no stream of a camera on a network
    ("", "names no camera"),
    ("file:///etc/passwd", "names no camera"),
    ("FILE:///etc/passwd", "names no camera"),
    ("fIlE:/etc/passwd", "names no camera"),
    ("/etc/passwd", "names no camera"),
    ("/dev/video0", "names no camera"),
    ("sim:street", "names no camera"),
    ("concat:/etc/passwd|/etc/hosts", "blanks, control characters"),
    ("concat:http://10.0.0.1/a", "names no camera"),
    ("pipe:0", "names no camera"),
    ("data:video/mp4;base64,AAAA", "names no camera"),
    ("subfile,,start,0,end,99,,:/etc/passwd", "names no camera"),
    ("unix:/run/docker.sock", "names no camera"),
    ("gopher://10.0.0.5:6379/_x", "names no camera"),
    ("tcp://10.0.0.5:9092", "names no camera"),
    ("udp://239.0.0.1:1234", "names no camera"),
    ("rtmp://cam.example/live", "names no camera"),
    ("rtsp:/cam.example/live", "names no camera"),
    ("rtsp:cam.example", "names no camera"),
    ("//cam.example/live", "names no camera"),
    ("RTSP://cam.example/live", "small letters"),
    ("Http://cam.example/clip.mp4", "small letters"),
    # loopback, however it is written
    ("rtsp://127.0.0.1/live", "this machine itself"),
    ("rtsp://127.0.0.1:9092/", "this machine itself"),
    ("rtsp://127.255.255.254/live", "this machine itself"),
    ("http://localhost:7860/cameras", "this machine itself"),
    ("rtsp://LOCALHOST/live", "this machine itself"),
    ("rtsp://[::1]/live", "this machine itself"),
    ("rtsp://[0:0:0:0:0:0:0:1]:554/live", "this machine itself"),
    ("rtsp://2130706433/live", "four of 0 to 255"),
    ("rtsp://0x7f000001/live", "four of 0 to 255"),
    ("rtsp://0x7F.0.0.1/live", "four of 0 to 255"),
    ("rtsp://0177.0.0.1/live", "four of 0 to 255"),
    ("rtsp://017700000001/live", "four of 0 to 255"),
    ("rtsp://127.1/live", "four of 0 to 255"),
    ("rtsp://127.0.1/live", "four of 0 to 255"),
    ("rtsp://127.0.0.0x1/live", "four of 0 to 255"),
    ("rtsp://127.0.0.01/live", "four of 0 to 255"),
    ("rtsp://256.0.0.1/live", "four of 0 to 255"),
    ("rtsp://0/live", "four of 0 to 255"),
    ("rtsp://127.0.0.1./live", "no host name"),
    ("rtsp://localhost./live", "no host name"),
    # IPv4 in the disguise of IPv6
    ("rtsp://[::ffff:127.0.0.1]/live", "in the disguise"),
    ("rtsp://[::ffff:7f00:1]/live", "in the disguise"),
    ("rtsp://[::ffff:10.0.0.5]/live", "in the disguise"),
    ("rtsp://[::127.0.0.1]/live", "in the disguise"),
    ("rtsp://[::ffff:0:127.0.0.1]/live", "in the disguise"),
    ("rtsp://[64:ff9b::127.0.0.1]/live", "in the disguise"),
    ("rtsp://[64:ff9b::a9fe:a9fe]/live", "in the disguise"),
    ("rtsp://[64:ff9b::10.0.0.5]/live", "in the disguise"),
    ("rtsp://[64:ff9b:1::7f00:1]/live", "in the disguise"),
    ("rtsp://[2002:7f00:1::]/live", "in the disguise"),
    ("rtsp://[2001:0:53aa:64c::80ff:fffe]/live", "in the disguise"),
    ("rtsp://[2606:2800::5efe:7f00:1]/live", "in the disguise"),
    # link-local and metadata
    ("rtsp://169.254.1.2/live", "link-local"),
    ("rtsp://[fe80::1]/live", "link-local"),
    ("rtsp://[fe80::1%25eth0]/live", "no IPv6 address"),
    ("http://169.254.169.254/latest/meta-data/", "metadata"),
    ("http://metadata.google.internal/computeMetadata/v1/", "metadata"),
    ("http://100.100.100.200/latest/meta-data/", "metadata"),
    ("http://168.63.129.16/metadata", "metadata"),
    ("http://[fd00:ec2::254]/latest/meta-data/", "metadata"),
    ("http://[fd20:ce::254]/computeMetadata/", "metadata"),
    ("http://192.0.0.192/opc/v1/", "metadata"),
    # no single machine, or none at all
    ("rtsp://0.0.0.0/live", "unspecified"),
    ("rtsp://0.1.2.3/live", "unspecified"),
    ("rtsp://[::]/live", "unspecified"),
    ("rtsp://224.0.0.251/live", "multicast"),
    ("rtsp://239.255.255.250/live", "multicast"),
    ("rtsp://255.255.255.255/live", "multicast or broadcast"),
    ("rtsp://[ff02::1]/live", "multicast"),
    ("rtsp://240.0.0.1/live", "reserved"),
    ("rtsp://192.0.2.1/live", "reserved"),
    ("rtsp://198.18.0.1/live", "reserved"),
    ("rtsp://[2001:db8::1]/live", "reserved"),
    ("rtsp://[fec0::1]/live", "reserved"),
    ("rtsp://100.64.0.1/live", "providers and VPNs"),
    # http into private networks
    ("http://10.0.0.5/video", "in a private network"),
    ("http://172.16.0.1/video", "in a private network"),
    ("http://172.31.255.255/video", "in a private network"),
    ("https://192.168.1.1/", "in a private network"),
    ("http://[fd12:3456::1]/video", "in a private network"),
    ("http://nvr.shop.example/video", "in a private network"),
    # names that turn, and names of nobody
    ("rtsp://turned.example/live", "this machine itself"),
    ("rtsp://half.example/live", "this machine itself"),
    ("rtsp://half6.example/live", "this machine itself"),
    ("rtsp://zone.example/live", "link-local"),
    ("rtsp://mapped.example/live", "in the disguise"),
    ("rtsp://nobody.example/live", "cannot be resolved"),
    ("rtsp://broken.example/live", "cannot be resolved"),
    ("rtsp://unknown.example/live", "cannot be resolved"),
    ("rtsp://endless.example/live", "cannot be resolved"),
    # tricks with the parts
    (" rtsp://cam.example/live", "blanks, control characters"),
    ("\trtsp://cam.example/live", "blanks, control characters"),
    ("rtsp://cam.example/live\n", "blanks, control characters"),
    ("rtsp://cam.example/live\x00", "blanks, control characters"),
    ("rtsp://cam.example\\@127.0.0.1/live", "blanks, control characters"),
    ("rtsp:\\\\127.0.0.1\\live", "blanks, control characters"),
    ("rtsp://cam.example#@127.0.0.1/live", "fragment"),
    ("rtsp://cam.example/live#host=127.0.0.1", "fragment"),
    ("http://cam.example/live#", "fragment"),
    ("rtsp://cam.example@127.0.0.1/live", "this machine itself"),
    ("rtsp://cam.example:554@127.0.0.1/live", "this machine itself"),
    ("rtsp://a@b@cam.example/live", "not written plainly"),
    ("rtsp://cam.example/live@127.0.0.1/", "an @ in its path"),
    ("rtsp://@cam.example/live", "no user before the @"),
    ("rtsp://:secret@cam.example/live", "no user before the @"),
    ("rtsp://a%3Ab:c@cam.example/live", "a colon in it"),
    ("rtsp://admin:a%0d%0aHost:x@cam.example/live", "control characters"),
    ("rtsp://admin:%00@cam.example/live", "control characters"),
    ("rtsp://admin:%ff@cam.example/live", "UTF-8"),
    ("rtsp://admin:50%@cam.example/live", "not written plainly"),
    ("rtsp://%31%32%37.0.0.1/live", "four of 0 to 255"),
    ("rtsp://127%2e0%2e0%2e1/live", "no host name"),
    ("rtsp://cam.example%00.evil.example/live", "no host name"),
    ("rtsp://１２７.0.0.1/live", "outside ASCII"),  # noqa: RUF001  (fullwidth digits are the trick)
    ("rtsp://127。0。0。1/live", "outside ASCII"),
    ("rtsp://ⓛocalhost/live", "outside ASCII"),
    ("rtsp://kamera-tür.example/live", "outside ASCII"),
    ("rtsp:///live", "no host name"),
    ("rtsp://:554/live", "no host name"),
    ("rtsp://-cam.example/live", "no host name"),
    ("rtsp://cam..example/live", "no host name"),
    ("rtsp://" + "a" * 64 + ".example/live", "no host name"),
    ("rtsp://" + "a." * 127 + "example/live", "no host name"),
    ("rtsp://cam.example/" + "a" * 2048, "letters"),
    ("rtsp://cam.example:0/live", "port"),
    ("rtsp://cam.example:65536/live", "port"),
    ("rtsp://cam.example:99999999/live", "port"),
    ("rtsp://cam.example:/live", "port"),
    ("rtsp://cam.example:0554/live", "port"),
    ("rtsp://cam.example:-1/live", "port"),
    ("rtsp://cam.example:rtsp/live", "port"),
    ("rtsp://[::1/live", "no host name|no IPv6|port"),
    ("rtsp://[::1]x/live", "no IPv6"),
    ("rtsp://[127.0.0.1]/live", "no IPv6"),
    ("rtsp://::1/live", "no host name|port"),
    ("rtsp://cam.example/a%0d%0aHost:%20x", "control characters"),
    ("rtsp://cam.example/a%zz", "not written plainly"),
    ("rtsp://cam.example/live?user=admin&password=hunter2", "a password in its path"),
    ("rtsp://cam.example/user=admin_password=hunter2_channel=1", "a password in its path"),
    ("http://cam.example/video?p%77d=hunter2", "a password in its path"),
    # playlists
    ("http://cam.example/live.m3u8", "playlist"),
    ("http://cam.example/live.M3U8?token=1", "playlist"),
    ("http://cam.example/live%2em3u8", "playlist"),
    ("https://cam.example/manifest.mpd", "playlist"),
    ("http://cam.example/a.pls", "playlist"),
    ("http://cam.example/a.m3u", "playlist"),
    ("http://cam.example/a.ram", "playlist"),
    ("http://cam.example/a.asx", "playlist"),
    ("http://cam.example/a.xspf", "playlist"),
    ("http://cam.example/a.sdp", "playlist"),
    ("http://cam.example/a.ism/Manifest", "playlist"),
    ("rtsp://cam.example/live.m3u8", "playlist"),
]


@pytest.mark.parametrize(("url", "reason"), FORBIDDEN)
def test_forbidden_stream_url_is_refused_with_its_reason(url: str, reason: str) -> None:
    refusal = refusal_of(url)

    assert refusal.field == "stream_url"
    assert re.search(reason, refusal.problem)
    assert refusal.remedy


@pytest.mark.parametrize("url", [url for url, _ in FORBIDDEN])
def test_forbidden_stream_url_stays_so_where_everything_but_loopback_is_allowed(url: str) -> None:
    everything = ("0.0.0.0/0", "::/0", "turned.example", "half.example", "metadata.google.internal")
    try:
        source = guarded(url, *everything).source
    except SourceRefusedError:
        return
    address = ip_address(urlsplit(source).hostname or "")
    assert kind_of(address) in {AddressKind.PRIVATE, AddressKind.SHARED}


@pytest.mark.parametrize(
    ("url", "source"),
    [
        ("rtsp://10.0.0.5/live", "rtsp://10.0.0.5/live"),
        ("rtsp://172.16.3.4:8554/a/b?channel=1&subtype=0", "rtsp://172.16.3.4:8554/a/b?channel=1&subtype=0"),
        ("rtsp://192.168.1.64", "rtsp://192.168.1.64"),
        ("rtsps://[fd12:3456::1]:322/live", "rtsps://[fd12:3456::1]:322/live"),
        ("rtsp://93.184.215.14/live.sdp", "rtsp://93.184.215.14/live.sdp"),
        ("rtsp://192.168.1.64/user=admin&password=&channel=1", "rtsp://192.168.1.64/user=admin&password=&channel=1"),
        ("rtsp://cam.example?live", "rtsp://93.184.215.14/?live"),
        ("rtsp://CAM.example:554/Live", "rtsp://93.184.215.14:554/Live"),
        ("rtsp://cam6.example/live", "rtsp://[2606:2800:21f:cb07:6820:80da:af6b:8b2c]/live"),
        ("rtsp://nvr.shop.example/live", "rtsp://10.0.0.7/live"),
        ("rtsp://dns64.example/live", "rtsp://[64:ff9b::5db8:d70e]/live"),
        ("http://93.184.215.14/clip.mp4", "http://93.184.215.14/clip.mp4"),
        # who checks a certificate, or serves many sites at one address, needs the name
        ("http://cam.example/clip.mp4", "http://93.184.215.14/clip.mp4#host=cam.example"),
        ("https://cam.example/a?b=c", "https://93.184.215.14/a?b=c#host=cam.example"),
        ("rtsps://nvr.shop.example/live", "rtsps://10.0.0.7/live#host=nvr.shop.example"),
    ],
)
def test_allowed_stream_url_is_pinned_to_its_address(url: str, source: str) -> None:
    assert guarded(url) == GuardedSource(source, None, url.replace("CAM", "cam").replace("example?", "example/?"))


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("http://10.0.0.5/video", "10.0.0.0/24"),
        ("http://10.0.0.5/video", "10.0.0.5"),
        ("http://10.0.0.5/video", "0.0.0.0/0"),
        ("http://[fd12::7]/video", "fd12::/64"),
        ("https://nvr.shop.example/video", "NVR.shop.example"),
        ("rtsp://100.64.0.1/live", "100.64.0.0/10"),
        ("rtsp://127.0.0.1:8554/live", "127.0.0.1"),
        ("http://127.0.0.1:8080/clip.mp4", "127.0.0.0/8"),
        ("rtsp://[::1]/live", "::1"),
        ("rtsp://localhost/live", "localhost"),
        ("rtsp://turned.example/live", "127.0.0.1"),
    ],
)
def test_operator_may_allow_private_networks_and_loopback(url: str, allowed: str) -> None:
    assert refusal_of(url)
    assert guarded(url, "192.168.77.0/24", allowed).source


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("http://10.0.0.5/video", "10.0.1.0/24"),
        ("http://10.0.0.5/video", "nvr.shop.example"),
        ("http://nvr.shop.example/video", "shop.example"),
        ("http://nvr.shop.example/video", "10.0.0.7"),  # its other address is not allowed
        ("rtsp://127.0.0.1/live", "0.0.0.0/0"),
        ("rtsp://127.0.0.1/live", "::1"),
        ("rtsp://127.0.0.2/live", "127.0.0.1"),
        ("rtsp://turned.example/live", "turned.example"),  # its owner's choice of address, not the operator's
        ("rtsp://localhost/live", "127.0.0.1"),
        ("http://169.254.169.254/", "169.254.0.0/16"),
        ("http://[fe80::1]/", "fe80::/10"),
        ("rtsp://[::ffff:127.0.0.1]/live", "127.0.0.0/8"),
        ("http://0.0.0.0/", "0.0.0.0/8"),
    ],
)
def test_what_the_operator_allows_allows_no_more(url: str, allowed: str) -> None:
    assert refusal_of(url, allowed)


@pytest.mark.parametrize(
    ("userinfo", "credentials"),
    [
        ("admin:secret", "admin:secret"),
        ("admin", "admin:"),
        ("admin:", "admin:"),
        ("admin:a:b", "admin:a:b"),
        ("ad%40min:s3cr%2Fet%25%C3%BC", "ad@min:s3cr/et%ü"),
    ],
)
def test_credentials_leave_the_address_and_are_not_shown(userinfo: str, credentials: str) -> None:
    found = guarded(f"rtsp://{userinfo}@cam.example/live")

    assert found == GuardedSource("rtsp://93.184.215.14/live", credentials, "rtsp://cam.example/live")
    assert repr(found) == "GuardedSource('rtsp://cam.example/live')"


@pytest.mark.parametrize(
    "url",
    [
        "rtsp://admin:hunter2@127.0.0.1/live",
        "rtsp://admin:hunter2@unknown.example/live",
        "rtsp://admin:hunter2@x@cam.example/live",
        "rtsp://admin:hunter2/x@cam.example/live",
        "rtsp://admin:hunter2 @cam.example/live",
        "ftp://admin:hunter2@cam.example/live",
        "rtsp://cam.example/?password=hunter2",
    ],
)
def test_refusal_holds_no_password(url: str) -> None:
    refusal = refusal_of(url)

    assert "hunter2" not in f"{refusal} {refusal!r}"
    assert refusal.__cause__ is None


def test_name_that_turns_is_asked_once_and_stays_where_it_was() -> None:
    answers = iter([("93.184.215.14",), ("127.0.0.1",)])

    found = guard_source("http://rebinding.example/video", (), lambda _: next(answers))

    assert found.source == "http://93.184.215.14/video#host=rebinding.example"
    assert next(answers) == ("127.0.0.1",)


def test_address_is_not_resolved() -> None:
    def never(name: str) -> Sequence[str]:
        raise AssertionError(f"resolved {name}")

    assert guard_source("rtsp://10.0.0.5/live", (), never).source == "rtsp://10.0.0.5/live"


def test_resolver_of_this_machine_knows_it() -> None:
    assert "127.0.0.1" in resolve_host("localhost")


NAT64 = ip_network("64:ff9b::/96")
ADDRESSES = st.ip_addresses()
AUTHORITIES = st.one_of(
    ADDRESSES.map(lambda address: f"[{address}]" if address.version == 6 else str(address)),
    st.sampled_from(sorted(NAMES)),
    st.integers(0, 2**32).map(str),
    st.text(st.characters(max_codepoint=0x2FF), max_size=20),
)
URLS = st.builds(
    "{}://{}{}{}{}".format,
    st.sampled_from(["rtsp", "rtsps", "http", "https", "file", "Rtsp"]),
    st.sampled_from(["", "a@", "a:b@", "a:%40@", "127.0.0.1@", "@"]),
    AUTHORITIES,
    st.sampled_from(["", ":554", ":0", ":", ":70000"]),
    st.text(st.characters(max_codepoint=0x7F), max_size=12).map(lambda rest: f"/{rest}"),
)


@given(st.one_of(URLS, st.text()))
@settings(max_examples=50)
def test_whatever_passes_leads_to_an_allowed_address_for_every_reader(url: str) -> None:
    try:
        found = guarded(url)
    except SourceRefusedError:
        return
    parts, other = urlsplit(found.source), httpx.URL(found.source)
    address = ip_address(parts.hostname or "")
    assert kind_of(address) is AddressKind.PUBLIC or (
        kind_of(address) is AddressKind.PRIVATE and parts.scheme in {"rtsp", "rtsps"}
    )
    assert ip_address(other.host) == address
    assert (other.scheme, other.port or 0) == (parts.scheme, parts.port or 0)
    assert parts.username is None
    assert "@" not in found.shown.partition("?")[0]


@given(ADDRESSES)
def test_what_python_knows_as_special_is_never_taken_for_public(address: IPAddress) -> None:
    special = [address.is_private, address.is_loopback, address.is_link_local, address.is_multicast]
    special += [address.is_unspecified, address.is_reserved and address not in NAT64]

    assert kind_of(address) is not AddressKind.PUBLIC or not any(special)
