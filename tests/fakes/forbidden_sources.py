"""Ways to write this machine's own address that a caller of REST may try, for tests whose listener sees nothing."""

__all__ = ["forbidden_stream_urls"]

_HOSTS = (
    "127.0.0.1",
    "127.0.0.2",
    "127.255.255.254",
    "localhost",
    "LOCALHOST",
    "localhost.",
    "127.0.0.1.",
    "127.1",
    "127.0.1",
    "2130706433",
    "0x7f000001",
    "0x7F.0x0.0x0.0x1",
    "0177.0.0.1",
    "0177.0000.0000.0001",
    "017700000001",
    "127.0.0.01",
    "0",
    "0.0.0.0",  # noqa: S104  (nothing is bound to it)
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[0:0:0:0:0:ffff:7f00:0001]",
    "[::127.0.0.1]",
    "[::ffff:0:127.0.0.1]",
    "[64:ff9b::127.0.0.1]",
    "[2002:7f00:1::]",
    "[::1%25lo]",
    "%31%32%37.0.0.1",
    "127%2e0%2e0%2e1",
    "１２７.0.0.1",  # noqa: RUF001  (fullwidth digits are the trick)
    "127。0。0。1",
    "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ",
)
_USERINFOS = ("admin:secret@", "93.184.215.14@", "93.184.215.14:554@", "a@93.184.215.14@", "@", "a%40b:c%2F@")
_WHOLE = (
    "RTSP://127.0.0.1:{port}/live",
    " rtsp://127.0.0.1:{port}/live",
    "rtsp://127.0.0.1:{port}\\@93.184.215.14/live",
    "rtsp://93.184.215.14\\@127.0.0.1:{port}/live",
    "rtsp://93.184.215.14#@127.0.0.1:{port}/live",
    "rtsp://127.0.0.1:0{port}/live",
    "rtsp:127.0.0.1:{port}/live",
    "rtsp:///127.0.0.1:{port}/live",
    "//127.0.0.1:{port}/live",
    "rtsp\t://127.0.0.1:{port}/live",
    "rtsp://127.0.0.1\n:{port}/live",
    "rtspu://127.0.0.1:{port}/live",
    "rtspt://127.0.0.1:{port}/live",
    "rtmp://127.0.0.1:{port}/live",
    "tcp://127.0.0.1:{port}",
    "udp://127.0.0.1:{port}",
    "srt://127.0.0.1:{port}",
    "ftp://127.0.0.1:{port}/clip.mp4",
    "gopher://127.0.0.1:{port}/_x",
    "httpproxy://127.0.0.1:{port}/x",
    "hls+http://127.0.0.1:{port}/live",
    "concat:http://127.0.0.1:{port}/a|http://127.0.0.1:{port}/b",
    "crypto:http://127.0.0.1:{port}/a",
    "cache:http://127.0.0.1:{port}/a",
    "async:http://127.0.0.1:{port}/a",
    "subfile,,start,0,end,9,,:http://127.0.0.1:{port}/a",
    "tee:http://127.0.0.1:{port}/a",
    "file://127.0.0.1:{port}/etc/passwd",
    "FiLe:///etc/passwd",
)


def forbidden_stream_urls(port: int) -> list[str]:
    """Addresses that lead, for one reader or another, to `port` of this machine. None may be opened for a caller."""
    return [
        *(f"{scheme}://{host}:{port}/live" for host in _HOSTS for scheme in ("rtsp", "http")),
        *(f"{scheme}://{userinfo}127.0.0.1:{port}/live" for userinfo in _USERINFOS for scheme in ("rtsps", "https")),
        *(url.format(port=port) for url in _WHOLE),
    ]
