"""A camera's frames as ingest publishes them: the ones that are to go up say so."""

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

from tests.fakes.clips import write_clip
from tests.fakes.specs import camera_spec
from tests.fakes.watched_camera import WatchedCamera
from tests.waiting import wait_for
from watchpost.clock import SystemClock
from watchpost.contracts.camera_parts import UplinkMode, UplinkReason
from watchpost.contracts.records import CameraId, FrameCaptured
from watchpost.frames import FrameStore
from watchpost.settings import FrameSettings
from watchpost.telemetry import metrics


def _marked(folder: Path, mode: UplinkMode, *, at_least: int) -> list[FrameCaptured]:
    """What was published until so many were marked."""
    spec = camera_spec(source=f"file:{write_clip(folder / 'clip.mp4', size=(640, 360))}?loop=1")
    with WatchedCamera(replace(spec, assignment=replace(spec.assignment, uplink=mode)), folder) as watched:
        return wait_for(
            lambda: list(watched.frames),
            lambda frames: sum(frame.uplink_reason is not None for frame in frames) >= at_least,
            within_s=30,
        )


def test_frames_of_a_sampled_camera_say_which_of_them_go_up_about_a_second_apart(tmp_path: Path) -> None:
    frames = _marked(tmp_path, UplinkMode.SAMPLED, at_least=4)

    marked = [frame for frame in frames if frame.uplink_reason is UplinkReason.SAMPLED]
    assert len(marked) < len(frames)
    assert all(later.captured_at - earlier.captured_at > timedelta(seconds=0.7) for earlier, later in pairwise(marked))


def test_first_frame_of_a_differential_camera_goes_up(tmp_path: Path) -> None:
    frames = _marked(tmp_path, UplinkMode.DIFFERENTIAL, at_least=1)

    assert frames[0].uplink_reason is UplinkReason.SAMPLED


def test_first_frame_that_the_store_takes_goes_up_whatever_it_refused_before(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    store = FrameStore(FrameSettings(url=f"file://{folder}"), SystemClock())
    folder.rmdir()
    folder.write_text("a file where the folder was")
    spec = camera_spec(source=f"file:{write_clip(tmp_path / 'clip.mp4', size=(640, 360))}?loop=1")
    spec = replace(spec, assignment=replace(spec.assignment, uplink=UplinkMode.DIFFERENTIAL))
    before = refused_frames(spec.camera)

    with WatchedCamera(spec, tmp_path, store=store) as watched:
        wait_for(lambda: refused_frames(spec.camera), lambda count: count >= before + 2, within_s=30)
        folder.unlink()
        folder.mkdir()
        frames = wait_for(lambda: list(watched.frames), bool, within_s=30)

    assert frames[0].uplink_reason is UplinkReason.SAMPLED


def refused_frames(camera: CameraId) -> float:
    """How many frames of a camera the store did not take."""
    return float(metrics.FRAMES_DROPPED.labels(camera, "store")._value.get())
