"""A camera with a substream is analysed by it, and recorded by its main stream: neither disturbs the other."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from tests.fakes.camera import RtspCamera, require_rtsp_server
from tests.fakes.coded import coded_clip, probed
from tests.fakes.specs import camera_spec
from tests.fakes.watched_camera import WatchedCamera
from tests.waiting import wait_for
from watchpost.clock import SystemClock, epoch_us
from watchpost.contracts.camera_parts import NOT_RECORDED, Recording
from watchpost.contracts.records import CameraSpec, EventType
from watchpost.errors import SourceFailure
from watchpost.recordings import Recorder, RingBounds, cut_of, recorded_until_us
from watchpost.recordings.folder import segments_of

RECORDED = Recording(enabled=True)
SECOND_US = 1_000_000


@dataclass(frozen=True, slots=True)
class Streams:
    """A camera's two streams, as two servers, of which each can fail by itself."""

    main: RtspCamera
    sub: RtspCamera

    def spec(self, recording: Recording = RECORDED) -> CameraSpec:
        return camera_spec(source=self.main.url, substream=self.sub.url, recording=recording)


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    require_rtsp_server()
    folder = tmp_path_factory.mktemp("clips")
    main = coded_clip(folder, seconds=4, size="640x360", suffix="mp4", kbps=2000)
    return main, coded_clip(folder, seconds=4, size="160x90", suffix="mp4")


@pytest.fixture
def streams(clips: tuple[Path, Path]) -> Iterator[Streams]:
    with RtspCamera(clips[0]) as main, RtspCamera(clips[1]) as sub:
        yield Streams(main, sub)


@contextmanager
def recorded(spec: CameraSpec, root: Path) -> Iterator[WatchedCamera]:
    """The camera watched, and what of it is to be recorded written below `root`."""
    clock = SystemClock()
    recorder = Recorder(root, RingBounds(timedelta(hours=1), 10**9, 0), clock, lambda _: None)
    recorder.start()
    try:
        with WatchedCamera(spec, root.parent, record=recorder.for_camera) as watched:
            yield watched
    finally:
        recorder.close(10)


def frames_after(watched: WatchedCamera, count: int) -> None:
    before = len(watched.frames)
    wait_for(lambda: len(watched.frames) - before, lambda more: more >= count, within_s=30)


def wait_until_recorded(root: Path, camera: CameraSpec, until_us: int) -> None:
    wait_for(lambda: recorded_until_us(root, camera.camera), lambda us: us is not None and us >= until_us, within_s=40)


def test_camera_is_analysed_by_its_substream_and_recorded_by_its_main_stream(streams: Streams, tmp_path: Path) -> None:
    root, spec = tmp_path / "recordings", streams.spec()
    with recorded(spec, root) as watched:
        frames_after(watched, 2)
        seen_us = epoch_us(watched.frames[-1].captured_at)
        wait_until_recorded(root, spec, seen_us + 2 * SECOND_US)

    cut = cut_of(root, spec.camera, seen_us, seen_us + SECOND_US)
    cut.write(tmp_path / "clip.mp4")
    assert probed(tmp_path / "clip.mp4", "stream", "width", "height") == ["640,360"]
    assert {(frame.source.width, frame.source.height) for frame in watched.frames} == {(160, 90)}
    assert all(frame.recorded for frame in watched.frames)
    # the clip of a frame's time begins with the keyframe before it: there is one every second
    assert -1.2 * SECOND_US < cut.begins_us - seen_us <= 0.2 * SECOND_US


def test_frames_tell_what_the_main_stream_costs(streams: Streams, clips: tuple[Path, Path], tmp_path: Path) -> None:
    with recorded(streams.spec(), tmp_path / "recordings") as watched:
        wait_for(lambda: spanned_s(watched), lambda span_s: span_s > 4, within_s=40)

    read_bytes = watched.frames[-1].stream_bytes - watched.frames[0].stream_bytes
    main_bytes_per_s, sub_bytes_per_s = (clip.stat().st_size / 4 for clip in clips)
    # a server begins with what it has, and a busy machine delivers late: the substream's rate is far from both
    assert main_bytes_per_s / 2 < read_bytes / spanned_s(watched) < main_bytes_per_s * 2.5
    assert main_bytes_per_s > 10 * sub_bytes_per_s


def spanned_s(watched: WatchedCamera) -> float:
    """From the first to the last frame."""
    return (watched.frames[-1].captured_at - watched.frames[0].captured_at).total_seconds() if watched.frames else 0


def test_lost_main_stream_is_told_and_comes_back_while_the_substream_is_analysed(
    streams: Streams, tmp_path: Path
) -> None:
    root, spec = tmp_path / "recordings", streams.spec()
    with recorded(spec, root) as watched:
        wait_for(lambda: segments_of(root, spec.camera), bool, within_s=30)
        streams.main.stop()
        lost = wait_for(lambda: watched.worker.main_lost, lambda lost: lost is not None, within_s=30)
        frames_after(watched, 3)
        streams.main.restart()
        wait_for(lambda: watched.worker.main_lost, lambda lost: lost is None, within_s=30)
        wait_for(lambda: len(segments_of(root, spec.camera)), lambda count: count >= 2, within_s=30)

    assert lost is not None
    assert lost.reason in {SourceFailure.REFUSED, SourceFailure.ENDED, SourceFailure.TIMEOUT}
    assert watched.told == [EventType.CAMERA_ONLINE]
    assert [frame.sequence for frame in watched.frames] == list(range(len(watched.frames)))


def test_main_stream_that_stalls_is_given_up_and_the_substream_is_not(streams: Streams, tmp_path: Path) -> None:
    root, spec = tmp_path / "recordings", streams.spec()
    with recorded(spec, root) as watched:
        wait_for(lambda: segments_of(root, spec.camera), bool, within_s=30)
        streams.main.stall()
        lost = wait_for(lambda: watched.worker.main_lost, lambda lost: lost is not None, within_s=30)
        assert lost is not None
        assert watched.worker.online

    assert lost.reason is SourceFailure.TIMEOUT
    assert watched.told == [EventType.CAMERA_ONLINE]


def test_lost_substream_leaves_the_recording_alone_and_takes_the_camera_offline(
    streams: Streams, tmp_path: Path
) -> None:
    root, spec = tmp_path / "recordings", streams.spec()
    with recorded(spec, root) as watched:
        frames_after(watched, 1)
        streams.sub.stop()
        wait_for(lambda: watched.told, lambda told: told[-1] == EventType.CAMERA_OFFLINE, within_s=30)
        wait_until_recorded(root, spec, epoch_us(watched.events[-1].at))

    assert watched.worker.main_lost is None
    assert len(segments_of(root, spec.camera)) == 1


def test_recording_that_begins_and_ends_leaves_the_analysis_its_connection(streams: Streams, tmp_path: Path) -> None:
    root, spec = tmp_path / "recordings", streams.spec(NOT_RECORDED)
    with recorded(spec, root) as watched:
        frames_after(watched, 1)
        assert not root.exists()
        watched.worker.update(streams.spec())
        wait_for(lambda: segments_of(root, spec.camera), bool, within_s=30)
        watched.worker.update(streams.spec(NOT_RECORDED))
        frames_after(watched, 2)

    assert len(segments_of(root, spec.camera)) == 1
    assert {(frame.source.width, frame.source.height) for frame in watched.frames} == {(160, 90)}
    assert [frame.sequence for frame in watched.frames] == list(range(len(watched.frames)))
    assert watched.told == [EventType.CAMERA_ONLINE]


def test_sound_of_a_camera_is_recorded_with_its_main_stream(clips: tuple[Path, Path], tmp_path: Path) -> None:
    root = tmp_path / "recordings"
    with RtspCamera(clips[0], sound=True) as main, RtspCamera(clips[1], sound=True) as sub:
        spec = Streams(main, sub).spec(Recording(enabled=True, audio=True))
        with recorded(spec, root) as watched:
            frames_after(watched, 1)
            seen_us = epoch_us(watched.frames[-1].captured_at)
            wait_until_recorded(root, spec, seen_us + 3 * SECOND_US)

    cut_of(root, spec.camera, seen_us, seen_us + 2 * SECOND_US).write(tmp_path / "clip.mp4")
    assert probed(tmp_path / "clip.mp4", "stream", "codec_name", stream="a") == ["aac"]
    assert len(probed(tmp_path / "clip.mp4", "pts_time", stream="a")) > 60
