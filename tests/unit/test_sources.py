"""One way to read every camera: what plays, what fails, and what is said of it."""

import http.server
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from functools import partial
from itertools import islice, pairwise
from pathlib import Path

import av
import pytest

from tests.fakes.clips import write_audio, write_clip
from tests.fakes.coded import coded_clip
from tests.fakes.specs import camera_spec
from watchpost.contracts.camera_parts import NOT_RECORDED, Recording
from watchpost.contracts.recording_rules import may_hear
from watchpost.errors import SourceError, SourceFailure
from watchpost.ingest.addresses import CodedAddress, parse_address
from watchpost.ingest.packets import CodedPacket, DecodedPicture, SourceLimits, decode
from watchpost.ingest.sources import open_source

QUICK = SourceLimits(open_timeout_s=0.5, read_timeout_s=0.5)


def played(source: str, *, at_most: int = 1000, secret_ref: str | None = None) -> list[DecodedPicture]:
    """The pictures of a source until it ends, fails or has given `at_most`. Damaged packets are passed over."""
    pictures: list[DecodedPicture] = []
    with open_source(camera_spec(source=source, secret_ref=secret_ref), QUICK, threading.Event()) as opened:
        try:
            for coded in opened.packets:
                pictures += _decoded(coded)
                if len(pictures) >= at_most:
                    break
        except SourceError as error:
            if error.reason is not SourceFailure.ENDED:
                raise
    return pictures


def _decoded(coded: CodedPacket) -> list[DecodedPicture]:
    try:
        return list(decode(coded))
    except av.FFmpegError:
        return []


def failure_of(source: str, *, secret_ref: str | None = None) -> SourceError:
    with pytest.raises(SourceError) as failed:
        played(source, secret_ref=secret_ref)
    return failed.value


@contextmanager
def listening(answer: bytes | None) -> Iterator[int]:
    """A server that takes one connection after another, answers with `answer` and keeps still; None: it never does."""
    held: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                held.append(connection)
                if answer is not None:
                    connection.recv(4096)
                    connection.sendall(answer)

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
    for connection in held:
        connection.close()


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize(
    ("suffix", "codec", "pixel_format"),
    [
        ("mp4", "libx264", "yuv420p"),
        ("mkv", "libx264", "yuv420p"),
        ("h264", "libx264", "yuv420p"),
        ("ts", "mpeg2video", "yuv420p"),
        ("avi", "mpeg4", "yuv420p"),
        ("avi", "mjpeg", "yuvj422p"),
        ("mkv", "ffv1", "gray"),
    ],
)
def test_file_of_any_container_plays_once_and_ends(tmp_path: Path, suffix: str, codec: str, pixel_format: str) -> None:
    clip = write_clip(tmp_path / f"clip.{suffix}", frames=10, codec=codec, pixel_format=pixel_format)

    pictures = played(f"file:{clip}")

    assert len(pictures) == 10
    assert {(picture.image.width, picture.image.height) for picture in pictures} == {(320, 180)}
    # the picture that a decoder held back to the end may come without its time
    times = [picture.stream_us for picture in pictures if picture.stream_us is not None]
    assert len(times) >= 9
    assert {after - before for before, after in pairwise(times)} == {40_000}


def test_file_plays_at_its_own_pace(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", frames=13)
    began_s = time.monotonic()

    played(f"file:{clip}")

    assert 0.45 <= time.monotonic() - began_s < 1.5


def test_looped_file_goes_on_and_so_does_its_time(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", frames=5)

    pictures = played(f"file:{clip}?loop=1", at_most=12)

    times = [picture.stream_us for picture in pictures]
    assert times == [n * 40_000 for n in range(12)]


def test_path_may_be_relative_or_hold_odd_letters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_clip(tmp_path / "a clip?%.mp4", frames=2)
    monkeypatch.chdir(tmp_path)

    assert len(played("file:a clip%3F%25.mp4")) == 2


def test_stop_ends_the_wait_for_the_next_packet(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", frames=4, fps=1)
    stop = threading.Event()
    threading.Timer(0.2, stop.set).start()
    began_s = time.monotonic()

    with open_source(camera_spec(source=f"file:{clip}"), QUICK, stop) as opened:
        list(opened.packets)

    assert time.monotonic() - began_s < 1


def test_recording_over_http_plays_at_its_own_pace_and_ends(tmp_path: Path) -> None:
    write_clip(tmp_path / "clip.mkv", frames=10)
    began_s = time.monotonic()

    with serving(tmp_path) as address:
        assert len(played(f"{address}/clip.mkv")) == 10

    assert time.monotonic() - began_s >= 0.3


def test_simulated_street_plays_and_ends() -> None:
    pictures = played("sim:street?seconds=0.5&size=320x180&people=1")

    assert [picture.stream_us for picture in pictures] == [0, 100_000, 200_000, 300_000, 400_000]


def test_size_may_change_in_the_middle(tmp_path: Path) -> None:
    both = tmp_path / "both.h264"
    small = write_clip(tmp_path / "small.h264", frames=5)
    large = write_clip(tmp_path / "large.h264", frames=5, size=(640, 360))
    both.write_bytes(small.read_bytes() + large.read_bytes())

    pictures = played(f"file:{both}")

    assert [picture.image.width for picture in pictures] == [320] * 5 + [640] * 5


def test_pixels_that_are_not_square_are_told(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", frames=1, pixel_aspect=Fraction(4, 3))

    assert played(f"file:{clip}")[0].pixel_aspect == Fraction(4, 3)


def test_file_cut_off_in_its_middle_plays_as_far_as_it_goes(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mkv", frames=40)
    clip.write_bytes(clip.read_bytes()[: clip.stat().st_size // 2])

    assert 5 <= len(played(f"file:{clip}")) < 35


def test_file_whose_index_is_cut_off_is_unsupported(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", frames=20)
    clip.write_bytes(clip.read_bytes()[: clip.stat().st_size // 2])

    assert failure_of(f"file:{clip}").reason is SourceFailure.UNSUPPORTED


@pytest.mark.parametrize("content", [b"", b"no video at all\n" * 1000, bytes(100_000), b"\x00\x00\x00\x01" * 1000])
def test_file_that_is_no_video_is_unsupported(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(content)

    assert failure_of(f"file:{path}").reason is SourceFailure.UNSUPPORTED


def test_file_with_sound_alone_is_unsupported_and_says_why(tmp_path: Path) -> None:
    failed = failure_of(f"file:{write_audio(tmp_path / 'sound.mp4')}")

    assert failed.reason is SourceFailure.UNSUPPORTED
    assert "no video in it, only audio" in failed.detail


def test_damage_in_the_middle_of_a_file_is_passed_over(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.ts", frames=40, codec="mpeg2video")
    content = bytearray(clip.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 2000] = b"\xa5" * 2000
    clip.write_bytes(content)

    assert len(played(f"file:{clip}")) > 25


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("file:/does/not/exist.mp4", SourceFailure.REFUSED),
        ("/dev/video77", SourceFailure.REFUSED),
        ("rtsp://127.0.0.1:9/stream", SourceFailure.REFUSED),
        ("http://127.0.0.1:9/stream", SourceFailure.REFUSED),
        ("http://camera.invalid/stream", SourceFailure.REFUSED),
        ("sim:street?people=many", SourceFailure.UNSUPPORTED),
        ("sim:moon", SourceFailure.UNSUPPORTED),
        ("file:clip.mp4?speed=2", SourceFailure.UNSUPPORTED),
        ("file:clip.mp4?loop=yes", SourceFailure.UNSUPPORTED),
        ("gopher://camera/stream", SourceFailure.UNSUPPORTED),
        ("", SourceFailure.UNSUPPORTED),
    ],
)
def test_address_that_leads_nowhere_says_why(source: str, reason: SourceFailure) -> None:
    assert failure_of(source).reason is reason


@pytest.mark.parametrize("scheme", ["rtsp", "rtsps", "http", "https"])
def test_server_that_never_answers_is_a_timeout(scheme: str) -> None:
    with listening(None) as port:
        assert failure_of(f"{scheme}://127.0.0.1:{port}/stream").reason is SourceFailure.TIMEOUT


def test_server_that_stalls_in_the_middle_is_a_timeout(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.ts", codec="mpeg2video").read_bytes()
    head = b"HTTP/1.1 200 OK\r\nContent-Type: video/mp2t\r\n\r\n"

    with listening(head + clip) as port:
        assert failure_of(f"http://127.0.0.1:{port}/stream.ts").reason is SourceFailure.TIMEOUT


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        ("401 Unauthorized", SourceFailure.UNAUTHORISED),
        ("403 Forbidden", SourceFailure.UNAUTHORISED),
        ("404 Not Found", SourceFailure.REFUSED),
        ("500 Internal Server Error", SourceFailure.REFUSED),
    ],
)
def test_http_status_becomes_a_reason(status: str, reason: SourceFailure) -> None:
    with listening(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n".encode()) as port:
        assert failure_of(f"http://127.0.0.1:{port}/stream").reason is reason


def test_page_instead_of_a_stream_is_unsupported() -> None:
    page = b"<html>" + b"the camera's own page " * 500
    with listening(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(page) + page) as port:
        assert failure_of(f"http://127.0.0.1:{port}/").reason is SourceFailure.UNSUPPORTED


def test_playlist_cannot_lead_into_the_machine_s_files(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.ts", codec="mpeg2video", frames=5)
    lines = ["#EXTM3U", "#EXT-X-TARGETDURATION:1", "#EXTINF:1.0,", f"file://{clip}", "#EXT-X-ENDLIST", ""]
    (tmp_path / "list.m3u8").write_text("\n".join(lines))

    assert len(played(f"file:{clip}")) == 5

    with serving(tmp_path) as address:
        try:
            found = played(f"{address}/list.m3u8")
        except SourceError:
            found = []

    assert not found


def test_secret_that_is_missing_is_named_and_nothing_is_opened() -> None:
    failed = failure_of("rtsp://127.0.0.1:9/stream", secret_ref="env:WATCHPOST_NO_SUCH_SECRET")  # noqa: S106

    assert failed.reason is SourceFailure.UNAUTHORISED
    assert "env:WATCHPOST_NO_SUCH_SECRET" in failed.detail


@pytest.mark.parametrize("scheme", ["rtsp", "http"])
def test_password_is_in_no_error(tmp_path: Path, scheme: str) -> None:
    secret = tmp_path / "secret"
    secret.write_text("admin:hunter2/@ü\n")

    failed = failure_of(f"{scheme}://127.0.0.1:9/stream", secret_ref=f"file:{secret}")

    assert "hunter2" not in f"{failed!r} {failed} {failed.detail}"
    assert failed.__cause__ is None


@pytest.mark.parametrize(
    ("recording", "hears"),
    [
        (Recording(enabled=True, audio=True), True),
        (Recording(enabled=True), False),
        (Recording(enabled=False, audio=True), False),
    ],
)
def test_sound_is_read_beside_the_pictures_of_a_camera_that_is_recorded_with_it(
    tmp_path: Path, recording: Recording, *, hears: bool
) -> None:
    clip = coded_clip(tmp_path, seconds=1, sound="aac")
    heard = 0
    spec = camera_spec(source=f"file:{clip}?loop=1", recording=recording)
    with open_source(spec, QUICK, threading.Event()) as opened:
        for coded in islice(opened.packets, 60):
            assert (coded.sound is not None) == hears
            heard += 0 if coded.sound is None else len(coded.sound.packets)

    assert (heard > 60) == hears


@pytest.mark.parametrize(
    ("recording", "media"), [(NOT_RECORDED, "video"), (Recording(True, audio=True), "video+audio")]
)
def test_rtsp_camera_is_asked_for_sound_where_it_is_recorded_with_it(recording: Recording, media: str) -> None:
    spec = camera_spec(source="rtsp://127.0.0.1/stream", recording=recording)

    address = parse_address(spec.source, None, 1.0, with_sound=may_hear(spec))

    assert isinstance(address, CodedAddress)
    assert dict(address.options)["allowed_media_types"] == media
