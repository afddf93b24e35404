"""A worker that cannot keep up leaves the oldest out, and no camera more than its share."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.specs import assignment
from watchpost.contracts.records import (
    CameraId,
    CaptureReason,
    FrameCaptured,
    ImageCodec,
    ImageRef,
    Motion,
    SiteId,
    SourceSize,
)
from watchpost.inference.shedding import overdue

NOW = datetime(2026, 1, 1, tzinfo=UTC)
STALE = timedelta(seconds=1)
IMAGE = ImageRef("file:///frames/f.i420", ImageCodec.I420, 64, 48, 4608, 0, NOW)


def frame(camera: str, age_ms: int) -> FrameCaptured:
    at = NOW - timedelta(milliseconds=age_ms)
    return FrameCaptured(
        frame_id=f"{camera}-{age_ms}",
        site=SiteId("s"),
        camera=CameraId(camera),
        captured_at=at,
        sequence=0,
        source=SourceSize(64, 48),
        roi=None,
        image=IMAGE,
        regions=(),
        motion=Motion(0, ()),
        reason=CaptureReason.MOTION,
        assignment=assignment(),
        stream_bytes=0,
        expires_at=at + timedelta(seconds=5),
    )


def test_few_frames_are_all_looked_at_however_old() -> None:
    assert overdue([frame("a", 4000), frame("a", 3000)], NOW, STALE, at_most=2) == frozenset()


def test_oldest_of_many_frames_are_left_out() -> None:
    waiting = [frame("a", age_ms) for age_ms in (4000, 3000, 2000, 1500, 500)]

    assert overdue(waiting, NOW, STALE, at_most=2) == {"a-4000", "a-3000", "a-2000"}


def test_fresh_frames_are_never_left_out() -> None:
    waiting = [frame("a", age_ms) for age_ms in range(900, 0, -100)]

    assert overdue(waiting, NOW, STALE, at_most=2) == frozenset()


def test_camera_with_many_frames_does_not_push_out_the_other() -> None:
    flood = [frame("flood", age_ms) for age_ms in range(4900, 1000, -100)]
    quiet = [frame("quiet", 4950), frame("quiet", 1200)]

    left_out = overdue([*flood, *quiet], NOW, STALE, at_most=4)

    assert "quiet-1200" not in left_out
    assert "quiet-4950" not in left_out
    assert len(left_out) == len(flood) - 2


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 5000)), unique=True, max_size=60), st.integers(1, 8))
def test_what_is_left_out_is_stale_and_enough_is_kept(ages: list[tuple[str, int]], at_most: int) -> None:
    waiting = [frame(camera, age_ms) for camera, age_ms in sorted(ages, key=lambda found: -found[1])]

    left_out = overdue(waiting, NOW, STALE, at_most)

    assert all(seen.captured_at < NOW - STALE for seen in waiting if seen.frame_id in left_out)
    assert len(waiting) - len(left_out) >= min(at_most, len(waiting))
