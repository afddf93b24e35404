"""A burst publishes what was before its command too: every picture, at the time at which it was taken."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from tests.fakes.clips import write_clip
from tests.fakes.specs import camera_spec
from tests.fakes.watched_camera import WatchedCamera
from tests.waiting import wait_for
from watchpost.contracts.records import CameraId, CaptureReason, Command, CommandKind, FrameCaptured, SiteId


def burst(around: datetime, before_s: float, after_s: float) -> Command:
    return Command(
        "b-1",
        SiteId("shop"),
        CameraId("door"),
        CommandKind.BURST,
        around,
        around,
        round(before_s * 1000),
        round(after_s * 1000),
        "event",
        "test",
    )


@pytest.mark.parametrize("keyframe_every", [10, 50])
def test_burst_gives_every_picture_before_and_after_once(tmp_path: Path, keyframe_every: int) -> None:
    clip = write_clip(tmp_path / "clip.mp4", frames=750, keyframe_every=keyframe_every)
    with WatchedCamera(camera_spec(source=f"file:{clip}", max_frames=2), tmp_path) as watched:
        wait_for(lambda: span_s(watched.frames), lambda span: span > 6, within_s=60)
        around = datetime.now(UTC)
        watched.worker.ask(burst(around, before_s=4, after_s=1))
        frames = wait_for(
            lambda: sorted(watched.frames, key=lambda frame: frame.captured_at),
            lambda seen: in_window(seen, around) >= 5 * 25 - 3,
            within_s=60,
        )
        pixels = [watched.store.load_bgr(frame.image) for frame in frames if frame.reason is CaptureReason.BURST]

    times = [frame.captured_at for frame in frames]
    assert len(set(times)) == len(times)
    past = [frame for frame in frames if around - timedelta(seconds=4) <= frame.captured_at < around]
    steps_s = {round((b.captured_at - a.captured_at).total_seconds(), 2) for a, b in pairwise(past)}
    assert steps_s <= {0.03, 0.04, 0.05}
    assert {frame.reason for frame in past} >= {CaptureReason.BURST}
    assert len({frame.frame_id for frame in frames}) == len(frames)
    assert len(pixels) > 100


def span_s(frames: list[FrameCaptured]) -> float:
    return (frames[-1].captured_at - frames[0].captured_at).total_seconds() if frames else 0.0


def in_window(frames: list[FrameCaptured], around: datetime) -> int:
    begin, end = around - timedelta(seconds=4), around + timedelta(seconds=1)
    return sum(begin <= frame.captured_at <= end for frame in frames)
