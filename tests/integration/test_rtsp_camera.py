"""The camera simulator itself: a test that relies on its misbehaviour must be able to."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from time import monotonic

import av
import pytest

from tests.fakes.camera import RtspCamera, require_rtsp_server
from watchpost.simulation import Scene, write_video

# without these FFmpeg watches for up to five seconds before it hands out the first packet
_OPTIONS = {"rtsp_transport": "tcp", "analyzeduration": "100000", "fpsprobesize": "0"}


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    require_rtsp_server()
    path = tmp_path_factory.mktemp("video") / "street.mp4"
    write_video(Scene.from_uri("sim:street?seed=1&people=2&seconds=1.5&fps=20&size=320x180"), path)
    return path


def _opened(url: str) -> av.container.InputContainer:
    return av.open(url, options=_OPTIONS, timeout=(5.0, 2.0))


def _pictures(container: av.container.InputContainer) -> Iterator[av.VideoFrame]:
    return container.decode(video=0)


def _exhaust(pictures: Iterator[av.VideoFrame]) -> None:
    for _ in range(200):
        next(pictures)


def test_camera_plays_its_file_in_a_loop(video: Path) -> None:
    with RtspCamera(video) as camera, _opened(camera.url) as container:
        pictures = list(islice(_pictures(container), 40))

    assert (pictures[0].width, pictures[0].height) == (320, 180)
    # FFmpeg gives the packets that it buffered while opening no time
    times = [picture.time for picture in pictures if picture.time is not None]
    assert times == sorted(times)
    assert times[-1] - times[0] == pytest.approx(0.05 * (len(times) - 1), abs=0.3)


def test_camera_that_plays_once_ends_its_stream(video: Path) -> None:
    with RtspCamera(video, once=True) as camera, _opened(camera.url) as container:
        assert 25 <= sum(1 for _ in _pictures(container)) <= 30


def test_camera_with_a_password_lets_in_only_who_knows_it(video: Path) -> None:
    with RtspCamera(video, user="admin", password="s3cret/@") as camera:  # noqa: S106  # the simulator's own
        with pytest.raises(av.HTTPUnauthorizedError):
            _opened(camera.open_url)
        with _opened(camera.url) as container:
            assert next(_pictures(container)).width == 320


def test_stalled_camera_keeps_the_connection_and_sends_nothing(video: Path) -> None:
    with RtspCamera(video) as camera, _opened(camera.url) as container:
        pictures = _pictures(container)
        next(pictures)
        camera.stall()
        began = monotonic()
        with pytest.raises((av.FFmpegError, StopIteration)):
            _exhaust(pictures)

        assert 1.5 < monotonic() - began < 8


def test_frozen_camera_sends_bit_identical_keyframes(video: Path) -> None:
    with RtspCamera(video) as camera, _opened(camera.url) as container:
        camera.freeze()
        packets = [bytes(packet) for packet in islice(container.demux(video=0), 30)]

    assert len(set(packets[-10:])) == 1


def test_camera_that_sends_garbage_gives_no_whole_picture(video: Path) -> None:
    with RtspCamera(video) as camera, _opened(camera.url) as container:
        camera.send_garbage()
        decoder = container.streams.video[0].codec_context
        failures = 0
        for packet in islice(container.demux(video=0), 30):
            try:
                decoder.decode(packet)
            except av.FFmpegError:
                failures += 1

    assert failures > 0


def test_dropped_viewer_can_come_back(video: Path) -> None:
    with RtspCamera(video) as camera:
        with _opened(camera.url) as container:
            pictures = _pictures(container)
            next(pictures)
            camera.drop_connections()
            with pytest.raises((av.FFmpegError, StopIteration)):
                _exhaust(pictures)
        with _opened(camera.url) as container:
            assert next(_pictures(container)).width == 320


def test_stopped_camera_refuses_and_is_found_again_at_its_address(video: Path) -> None:
    with RtspCamera(video) as camera:
        address = camera.url
        camera.stop()
        with pytest.raises(av.FFmpegError):
            _opened(address)
        camera.restart()
        assert camera.url == address
        with _opened(address) as container:
            assert next(_pictures(container)).width == 320
