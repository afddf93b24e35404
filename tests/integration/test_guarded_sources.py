"""Cameras that callers of REST name: what works, and that nothing leads to an address that nobody allowed."""

import base64
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import cv2
import numpy as np
import pytest

from tests.fakes.camera import RtspCamera, require_rtsp_server
from tests.fakes.clips import write_clip
from tests.fakes.forbidden_sources import forbidden_stream_urls
from tests.fakes.scripted_servers import Dripping, Listener, ScriptedServer, rtsp_script
from tests.fakes.specs import camera_spec
from tests.fakes.tls_front import Certificate, TlsFront, made_certificate
from tests.fakes.watched_camera import WatchedCamera
from tests.waiting import wait_for
from watchpost.api.source_guard import guard_source, resolve_host
from watchpost.contracts.records import CameraSpec, SpecOrigin
from watchpost.errors import SourceError, SourceFailure, SourceRefusedError
from watchpost.ingest.packets import SourceLimits, decode
from watchpost.ingest.sources import open_source
from watchpost.simulation import Scene, write_video

QUICK = SourceLimits(open_timeout_s=2, read_timeout_s=1)
REDIRECTED = "the camera redirects to another address, which is not allowed"
PLAYLIST = "the camera sends a playlist, which is not allowed"
SDP = (
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=x\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\na=control:rtsp://127.0.0.1:{port}/\r\n"
    "m=video {port} RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:rtsp://127.0.0.1:{port}/track\r\n"
)


@pytest.fixture
def forbidden() -> Iterator[Listener]:
    with Listener() as listener:
        yield listener


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Path:
    require_rtsp_server()
    path = tmp_path_factory.mktemp("video") / "street.mp4"
    write_video(Scene.from_uri("sim:street?seed=1&people=2&seconds=3&size=320x180"), path)
    return path


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return made_certificate(tmp_path_factory.mktemp("tls"), "cam.example")


def rest_spec(source: str, *, secret_ref: str | None = None, origin: SpecOrigin = SpecOrigin.REST) -> CameraSpec:
    return camera_spec(source=source, secret_ref=secret_ref, origin=origin)


def pictures_of(spec: CameraSpec, *, at_most: int = 10) -> int:
    """How many pictures the source gives before it ends."""
    pictures = 0
    with open_source(spec, QUICK, threading.Event()) as source:
        try:
            for coded in source.packets:
                pictures += len(list(decode(coded)))
                if pictures >= at_most:
                    break
        except SourceError as error:
            if error.reason is not SourceFailure.ENDED:
                raise
    return pictures


def failure_of(source: str, *, origin: SpecOrigin = SpecOrigin.REST, secret_ref: str | None = None) -> SourceError:
    with pytest.raises(SourceError) as caught:
        pictures_of(rest_spec(source, origin=origin, secret_ref=secret_ref))
    return caught.value


def test_forbidden_stream_urls_are_refused_and_open_nothing(forbidden: Listener) -> None:
    urls = forbidden_stream_urls(forbidden.port)

    for url in urls:
        with pytest.raises(SourceRefusedError):
            pictures_of(rest_spec(guard_source(url, (), resolve_host).source))

    assert len(set(urls)) > 100
    assert forbidden.seen == []


def reply(status: str, *headers: str, body: str = "") -> bytes:
    return "\r\n".join([f"RTSP/1.0 {status}", "CSeq: {cseq}", *headers, "", body]).encode()


def described(port: int) -> bytes:
    body = SDP.format(port=port)
    base = f"Content-Base: rtsp://127.0.0.1:{port}/"
    return reply("200 OK", base, "Content-Type: application/sdp", f"Content-Length: {len(body)}", body=body)


def moved(port: int, *, status: str = "302 Moved Temporarily") -> bytes:
    return reply(status, f"Location: rtsp://127.0.0.1:{port}/live")


SET_UP = reply("200 OK", "Session: 1", "Transport: RTP/AVP/TCP;unicast;interleaved=0-1")


def rtsp_traps(port: int) -> dict[str, dict[str, bytes]]:
    """What a camera could answer, by method, to lead its reader to another port."""
    elsewhere = f"Location: rtsp://127.0.0.1:{port}/live"
    hidden = moved(port).replace(b"{cseq}", b"2")
    udp = f"Transport: RTP/AVP/UDP;unicast;destination=127.0.0.1;server_port={port}-{port + 1};client_port={port}"
    return {
        "options": {"OPTIONS": moved(port)},
        "describe": {"DESCRIBE": moved(port)},
        "permanently": {"DESCRIBE": moved(port, status="301 Moved Permanently")},
        "without a reason": {"DESCRIBE": moved(port, status="302")},
        "other numbers": {"DESCRIBE": moved(port, status="399 x")},
        "setup": {"DESCRIBE": described(port), "SETUP": moved(port)},
        "play": {"DESCRIBE": described(port), "SETUP": SET_UP, "PLAY": moved(port)},
        "after a blank line": {"DESCRIBE": b"\r\n\r\n" + moved(port)},
        "bare line feeds": {"DESCRIBE": moved(port).replace(b"\r\n", b"\n")},
        "more returns": {"DESCRIBE": moved(port).replace(b"\r\n", b"\r\r\n")},
        "behind an interleaved frame": {"DESCRIBE": b"$\x00\x00\x04abcd" + moved(port)},
        "in a body of no length": {"DESCRIBE": reply("200 OK", "Content-Length: 0", body=hidden.decode())},
        "two lengths": {
            "DESCRIBE": reply("200 OK", f"Content-Length: {len(hidden)}", "Content-Length: 0", body=hidden.decode())
        },
        "a length in disguise": {"DESCRIBE": reply("200 OK", "Content-Length: 0x10", body=hidden.decode())},
        "location of a success": {"DESCRIBE": reply("200 OK", elsewhere, "Content-Length: 0")},
        "redirect asked": {
            "DESCRIBE": f"REDIRECT rtsp://x/ RTSP/1.0\r\nCSeq: 9\r\n{elsewhere}\r\n\r\n".encode() + described(port)
        },
        "control elsewhere": {"DESCRIBE": described(port), "SETUP": SET_UP, "PLAY": reply("200 OK", "Session: 1")},
        "udp": {"DESCRIBE": described(port), "SETUP": reply("200 OK", "Session: 1", udp), "PLAY": reply("200 OK")},
        "noise": {"DESCRIBE": b"noise " * 400 + moved(port)},
        "no RTSP": {"DESCRIBE": f"HTTP/1.1 302 Found\r\n{elsewhere}\r\n\r\n".encode()},
    }


@pytest.mark.parametrize("trap", rtsp_traps(0))
def test_rtsp_camera_leads_nowhere_else(trap: str, forbidden: Listener) -> None:
    with ScriptedServer(rtsp_script(rtsp_traps(forbidden.port)[trap])) as server:
        failed = failure_of(f"rtsp://127.0.0.1:{server.port}/live")

    assert forbidden.seen == []
    assert str(forbidden.port) not in str(failed)
    assert server.heads


@pytest.mark.parametrize(
    "trap",
    ["options", "describe", "permanently", "other numbers", "setup", "after a blank line", "bare line feeds", "noise"],
)
def test_rtsp_redirect_is_told_as_what_it_is(trap: str, forbidden: Listener) -> None:
    with ScriptedServer(rtsp_script(rtsp_traps(forbidden.port)[trap])) as server:
        failed = failure_of(f"rtsp://127.0.0.1:{server.port}/live")

    assert str(failed) == f"refused: {REDIRECTED}"


def test_listener_sees_what_libav_follows_by_itself(forbidden: Listener) -> None:
    """Without the guard these traps work: else the tests above would show nothing."""
    for trap in ("options", "describe"):
        forbidden.seen.clear()
        with ScriptedServer(rtsp_script(rtsp_traps(forbidden.port)[trap])) as server:
            failure_of(f"rtsp://127.0.0.1:{server.port}/live", origin=SpecOrigin.CONFIG)
        assert forbidden.seen == ["tcp"]

    forbidden.seen.clear()
    with ScriptedServer(http_script(http_traps(forbidden.port)["hls"])) as server:
        failure_of(f"http://127.0.0.1:{server.port}/live.m3u8", origin=SpecOrigin.CONFIG)
    assert "tcp" in forbidden.seen


def http_answer(status: str, *headers: str, body: bytes = b"") -> bytes:
    head = [f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(head).encode() + body


def http_script(answer: bytes) -> Callable[[bytes], bytes]:
    return lambda _head: answer


def http_traps(port: int) -> dict[str, bytes]:
    """What a web server could answer to lead its reader to another port."""
    there = f"http://127.0.0.1:{port}/clip.ts"
    hls = f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-MEDIA-SEQUENCE:0\n#EXTINF:1.0,\n{there}\n#EXT-X-ENDLIST\n".encode()
    variants = f"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1000\nhttp://127.0.0.1:{port}/a.m3u8\n".encode()
    dash = (
        '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" '
        f'mediaPresentationDuration="PT9S"><Period><BaseURL>{there}</BaseURL><AdaptationSet mimeType="video/mp4">'
        '<Representation id="1" bandwidth="1"/></AdaptationSet></Period></MPD>'
    ).encode()
    asx = f'<ASX version="3.0"><Entry><Ref href="{there}"/></Entry></ASX>'.encode()
    return {
        **{
            str(code): http_answer(f"{code} Moved", f"Location: {there}", body=b"moved")
            for code in (300, 301, 302, 303, 305, 307, 308)
        },
        "refresh": http_answer("200 OK", f"Refresh: 0; url={there}", "Content-Type: text/html", body=b"<html></html>"),
        "hls": http_answer("200 OK", "Content-Type: application/vnd.apple.mpegurl", body=hls),
        "hls as video": http_answer("200 OK", "Content-Type: video/mp2t", body=hls),
        "hls after a mark": http_answer("200 OK", "Content-Type: video/mp2t", body=b"\xef\xbb\xbf" + hls),
        "hls of variants": http_answer("200 OK", "Content-Type: audio/mpegurl", body=variants),
        "dash": http_answer("200 OK", "Content-Type: application/dash+xml", body=dash),
        "dash as video": http_answer("200 OK", "Content-Type: video/mp4", body=dash),
        "sdp": http_answer("200 OK", "Content-Type: application/sdp", body=SDP.format(port=port).encode()),
        "concat": http_answer("200 OK", body=f"ffconcat version 1.0\nfile '{there}'\n".encode()),
        "asx": http_answer("200 OK", "Content-Type: video/x-ms-asf", body=asx),
        "asf reference": http_answer("200 OK", body=f"[Reference]\r\nRef1={there}\r\n".encode()),
        "multipart": http_answer("200 OK", "Content-Type: multipart/x-mixed-replace;boundary=x", body=hls),
    }


@pytest.mark.parametrize("trap", http_traps(0))
@pytest.mark.parametrize("path", ["/live", "/clip.ts", "/live.m3u8"])
def test_http_camera_leads_nowhere_else(trap: str, path: str, forbidden: Listener) -> None:
    with ScriptedServer(http_script(http_traps(forbidden.port)[trap])) as server:
        failed = failure_of(f"http://127.0.0.1:{server.port}{path}")

    assert forbidden.seen == []
    assert str(forbidden.port) not in str(failed)
    assert server.heads


@pytest.mark.parametrize("code", ["301", "302", "307", "308"])
def test_http_redirect_is_told_as_what_it_is(code: str, forbidden: Listener) -> None:
    with ScriptedServer(http_script(http_traps(forbidden.port)[code])) as server:
        assert str(failure_of(f"http://127.0.0.1:{server.port}/live")) == f"refused: {REDIRECTED}"


@pytest.mark.parametrize(
    "trap", ["hls", "hls as video", "hls after a mark", "dash", "dash as video", "sdp", "concat", "asx"]
)
def test_playlist_is_told_as_what_it_is(trap: str, forbidden: Listener) -> None:
    with ScriptedServer(http_script(http_traps(forbidden.port)[trap])) as server:
        assert str(failure_of(f"http://127.0.0.1:{server.port}/clip.ts")) == f"refused: {PLAYLIST}"


def test_playlist_in_small_pieces_is_not_followed_either(forbidden: Listener) -> None:
    whole = http_traps(forbidden.port)["hls as video"]
    head, _, body = whole.partition(b"\r\n\r\n")
    head = head.partition(b"Content-Length")[0] + b"Transfer-Encoding: chunked\r\n\r\n"
    pieces = b"".join(b"1\r\n%c\r\n" % letter for letter in body) + b"0\r\n\r\n"

    with ScriptedServer(http_script(head + pieces)) as server:
        failure_of(f"http://127.0.0.1:{server.port}/clip.ts")

    assert forbidden.seen == []


def test_redirect_in_the_middle_of_a_recording_is_refused(tmp_path: Path, forbidden: Listener) -> None:
    clip = write_clip(tmp_path / "clip.mp4", frames=50).read_bytes()

    def answer(head: bytes) -> bytes:
        if b"range:" in head.lower():
            return http_traps(forbidden.port)["302"]
        return http_answer("200 OK", "Accept-Ranges: bytes", body=clip)

    with ScriptedServer(answer) as server:
        failure_of(f"http://127.0.0.1:{server.port}/clip.mp4")

    assert any(b"range:" in head.lower() for head in server.heads)
    assert forbidden.seen == []


@pytest.mark.parametrize(
    "source",
    [
        "file:/etc/hostname",
        "sim:street",
        "/dev/video0",
        "concat:/etc/hostname",
        "rtsp://localhost/live",
        "http://camera.example/live",
        "rtsp://user:secret@127.0.0.1/live",
        "rtsp://127.0.0.1/live#name=x",
        "rtsp://[fe80::1%25eth0]/live",
        "rtsp://127.0.0.1:99999/live",
        "RTSP//127.0.0.1",
        "",
    ],
)
@pytest.mark.parametrize("origin", [SpecOrigin.REST, SpecOrigin.ANALYZE])
def test_what_no_guard_wrote_is_not_opened(source: str, origin: SpecOrigin) -> None:
    failed = failure_of(source, origin=origin)

    assert failed.reason is SourceFailure.REFUSED
    assert "may not be opened for a caller of REST" in failed.detail
    assert "secret" not in str(failed)


def test_guarded_camera_plays_with_its_password(street: Path, tmp_path: Path) -> None:
    with RtspCamera(street, user="admin", password="s3cret/@") as camera:  # noqa: S106  (the simulator's own)
        guarded = guard_source(camera.url, ["127.0.0.1"], _never_asked)
        secret = tmp_path / "secret"
        secret.write_text(guarded.credentials or "")
        spec = rest_spec(guarded.source, secret_ref=f"file:{secret}")

        with WatchedCamera(spec, tmp_path) as watched:
            wait_for(lambda: len(watched.frames), lambda count: count >= 5)
        wrong = failure_of(guarded.source)

    assert watched.told == ["camera_online"]
    assert "s3cret" not in guarded.source + guarded.shown
    assert wrong.reason is SourceFailure.UNAUTHORISED


def test_guarded_camera_stalls_drops_and_comes_back_like_any_other(street: Path, tmp_path: Path) -> None:
    with RtspCamera(street) as camera, WatchedCamera(rest_spec(camera.open_url), tmp_path) as watched:
        wait_for(lambda: len(watched.frames), lambda count: count >= 3)
        camera.drop_connections()
        seen = len(watched.frames)
        wait_for(lambda: len(watched.frames), lambda count: count >= seen + 5)
        assert watched.told == ["camera_online"]
        camera.stall()
        wait_for(lambda: watched.told, lambda told: told == ["camera_online", "camera_offline"])
        camera.play()
        wait_for(lambda: watched.told, lambda told: told == ["camera_online", "camera_offline", "camera_online"])
        relays = _relays()
    wait_for(_relays, lambda left: not left)

    assert relays
    assert (watched.events[1].detail or "").startswith("timeout")


def test_camera_that_redirects_is_told_offline_at_once(forbidden: Listener, tmp_path: Path) -> None:
    with ScriptedServer(rtsp_script(rtsp_traps(forbidden.port)["describe"])) as server:
        spec = rest_spec(f"rtsp://127.0.0.1:{server.port}/live")
        began_s = time.monotonic()
        with WatchedCamera(spec, tmp_path) as watched:
            wait_for(lambda: watched.told, lambda told: told == ["camera_offline"])
            told_after_s = time.monotonic() - began_s

    assert watched.events[0].detail == f"refused: {REDIRECTED}"
    assert told_after_s < 1
    assert forbidden.seen == []


def _relays() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("rtsp-relay")]


def _never_asked(name: str) -> tuple[str, ...]:
    raise AssertionError(f"resolved {name}")


def test_name_that_turns_is_opened_where_it_was(tmp_path: Path, forbidden: Listener) -> None:
    clip = write_clip(tmp_path / "clip.ts", codec="mpeg2video", frames=5).read_bytes()
    answers = iter([("127.0.0.1",), ("127.0.0.2",), ("127.0.0.2",)])

    with ScriptedServer(http_script(http_answer("200 OK", body=clip))) as server:
        url = f"http://turning.example:{server.port}/clip.ts"
        guarded = guard_source(url, ["127.0.0.1"], lambda _: next(answers))
        assert pictures_of(rest_spec(guarded.source)) == 5

    assert len(server.heads) == 1
    assert f"host: turning.example:{server.port}\r\n".encode() in server.heads[0].lower()
    assert forbidden.seen == []
    assert len(list(answers)) == 2


def test_recording_over_http_plays_although_its_index_is_at_its_end(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", frames=50).read_bytes()

    def answer(head: bytes) -> bytes:
        begin = head.lower().partition(b"range: bytes=")[2].partition(b"-")[0]
        if not begin:
            return http_answer("200 OK", "Accept-Ranges: bytes", body=clip)
        span = f"Content-Range: bytes {int(begin)}-{len(clip) - 1}/{len(clip)}"
        return http_answer("206 Partial Content", "Accept-Ranges: bytes", span, body=clip[int(begin) :])

    with ScriptedServer(answer) as server:
        assert pictures_of(rest_spec(f"http://127.0.0.1:{server.port}/clip.mp4"), at_most=100) == 50


def test_camera_of_jpeg_pictures_plays_over_http() -> None:
    jpeg = cv2.imencode(".jpg", np.full((180, 320, 3), 90, np.uint8))[1].tobytes()
    part = b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%s\r\n" % (len(jpeg), jpeg)
    head = b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=frame\r\n\r\n"

    with ScriptedServer(http_script(head + part * 200)) as server:
        assert pictures_of(rest_spec(f"http://127.0.0.1:{server.port}/video")) >= 10


@pytest.mark.parametrize("challenge", ['Basic realm="cam"', 'Digest realm="cam", nonce="abc", qop="auth"'])
def test_http_camera_asks_for_its_password_first(tmp_path: Path, challenge: str) -> None:
    clip = write_clip(tmp_path / "clip.ts", codec="mpeg2video", frames=5).read_bytes()
    secret = tmp_path / "secret"
    secret.write_text("admin:s3cret/@")

    def answer(head: bytes) -> bytes:
        sent = head.partition(b"Authorization: ")[2].partition(b"\r\n")[0]
        if sent.startswith(b"Digest username=") or sent == b"Basic " + base64.b64encode(b"admin:s3cret/@"):
            return http_answer("200 OK", body=clip)
        return http_answer("401 Unauthorized", f"WWW-Authenticate: {challenge}")

    with ScriptedServer(answer) as server:
        source = f"http://127.0.0.1:{server.port}/clip.ts"
        assert pictures_of(rest_spec(source, secret_ref=f"file:{secret}")) == 5
        assert failure_of(source).reason is SourceFailure.UNAUTHORISED

    assert b"Authorization" not in server.heads[0]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", SourceFailure.UNAUTHORISED),
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", SourceFailure.REFUSED),
        (b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n", SourceFailure.REFUSED),
        (b"no http at all\r\n\r\n", SourceFailure.REFUSED),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nno video.", SourceFailure.UNSUPPORTED),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 999999\r\n\r\nstalls", SourceFailure.TIMEOUT),
        (b"", SourceFailure.REFUSED),
    ],
)
def test_http_failure_has_its_reason(answer: bytes, reason: SourceFailure) -> None:
    with ScriptedServer(http_script(answer)) as server:
        assert failure_of(f"http://127.0.0.1:{server.port}/live").reason is reason


@pytest.mark.parametrize("scheme", ["rtsp", "rtsps", "http", "https"])
def test_nobody_at_the_address_is_refused(scheme: str) -> None:
    assert failure_of(f"{scheme}://127.0.0.1:9/live").reason is SourceFailure.REFUSED


@pytest.mark.parametrize("scheme", ["rtsp", "http"])
def test_proxy_of_the_environment_is_not_asked(
    scheme: str, forbidden: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(variable, f"http://127.0.0.1:{forbidden.port}")

    assert failure_of(f"{scheme}://127.0.0.1:9/live").reason is SourceFailure.REFUSED
    assert forbidden.seen == []


@pytest.mark.parametrize(("fragment", "trust"), [("", "nothing"), ("#host=cam.example", "certificate")])
def test_encrypted_camera_plays(
    street: Path, certificate: Certificate, monkeypatch: pytest.MonkeyPatch, fragment: str, trust: str
) -> None:
    if trust == "certificate":
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate.path))
    with RtspCamera(street) as camera, TlsFront(urlsplit(camera.open_url).port or 0, certificate) as front:
        assert pictures_of(rest_spec(f"rtsps://127.0.0.1:{front.port}/stream{fragment}")) >= 10


@pytest.mark.parametrize("scheme", ["rtsps", "https"])
@pytest.mark.parametrize(("name", "trust"), [("cam.example", "nothing"), ("other.example", "certificate")])
def test_certificate_that_does_not_prove_the_name_is_refused(
    certificate: Certificate, monkeypatch: pytest.MonkeyPatch, scheme: str, name: str, trust: str
) -> None:
    if trust == "certificate":
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate.path))
    with ScriptedServer(http_script(b"HTTP/1.1 404 Not Found\r\n\r\n"), tls=certificate.server()) as server:
        failed = failure_of(f"{scheme}://127.0.0.1:{server.port}/live#host={name}")

    assert str(failed) == f"refused: the camera's certificate is not valid for {name}"
    assert server.heads == []


def test_web_server_proves_its_name(certificate: Certificate, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.path))
    clip = write_clip(tmp_path / "clip.ts", codec="mpeg2video", frames=5).read_bytes()
    with ScriptedServer(http_script(http_answer("200 OK", body=clip)), tls=certificate.server()) as server:
        assert pictures_of(rest_spec(f"https://127.0.0.1:{server.port}/clip.ts#host=cam.example")) == 5
        assert pictures_of(rest_spec(f"https://127.0.0.1:{server.port}/clip.ts")) == 5


@pytest.mark.parametrize(
    ("scheme", "beginning"),
    [
        ("rtsp", b"RTSP/1.0 200 OK\r\n"),
        ("rtsps", b"\x16\x03\x03\x40\x00\x02"),  # a record of TLS that never ends
        ("http", b"HTTP/1.1 200 OK\r\n"),
        ("http", b"HTTP/1.1 200 OK\r\n\r\n"),
        ("https", b"\x16\x03\x03\x40\x00\x02"),
    ],
)
def test_server_that_drips_for_ever_is_a_timeout(scheme: str, beginning: bytes) -> None:
    with Dripping(beginning) as server:
        began_s = time.monotonic()
        failed = failure_of(f"{scheme}://127.0.0.1:{server.port}/live")

    assert failed.reason is SourceFailure.TIMEOUT
    assert time.monotonic() - began_s < 2 * QUICK.open_timeout_s


def test_endless_answer_to_a_password_is_not_read(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("admin:x")
    head = b'HTTP/1.1 401 No\r\nWWW-Authenticate: Digest realm="a", nonce="b"\r\nContent-Length: 999999999\r\n\r\n'

    with ScriptedServer(http_script(head + b"x" * 1_000_000)) as server:
        failed = failure_of(f"http://127.0.0.1:{server.port}/live", secret_ref=f"file:{secret}")

    assert failed.reason is SourceFailure.UNAUTHORISED
    assert len(server.heads) == 2


@pytest.mark.parametrize(
    "challenge", ['Digest realm="a"', 'Digest realm="a", nonce="b", algorithm=X', "Digest", "Negotiate", ""]
)
def test_challenge_that_nobody_can_meet_is_unauthorised(tmp_path: Path, challenge: str) -> None:
    secret = tmp_path / "secret"
    secret.write_text("admin:x")

    with ScriptedServer(http_script(http_answer("401 No", f"WWW-Authenticate: {challenge}"))) as server:
        failed = failure_of(f"http://127.0.0.1:{server.port}/live", secret_ref=f"file:{secret}")

    assert failed.reason is SourceFailure.UNAUTHORISED
