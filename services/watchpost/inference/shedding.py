"""What a worker that cannot keep up leaves out: the oldest first, and fairly, so that what it says is of now."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

from watchpost.contracts.records import CameraId, FrameCaptured

__all__ = ["overdue"]


def overdue(frames: Sequence[FrameCaptured], now: datetime, stale_after: timedelta, at_most: int) -> frozenset[str]:
    """The frame_ids to leave out of `frames` (all that wait, each camera's in the order of their time).

    While no more than `at_most` frames wait, none is left out: a short hold-up is caught up with. Beyond that the
    newest of each camera are kept, in turn over the cameras, until `at_most` are; of the others those go that are older
    than `stale_after`. So the age of an answer stays near `stale_after`, and every camera keeps its share.
    """
    waiting: dict[CameraId, list[FrameCaptured]] = defaultdict(list)
    for frame in frames:
        waiting[frame.camera].append(frame)
    kept: set[str] = set()
    while len(kept) < min(at_most, len(frames)):
        for camera_frames in waiting.values():
            if camera_frames and len(kept) < at_most:
                kept.add(camera_frames.pop().frame_id)
    return frozenset(
        frame.frame_id for frame in frames if frame.frame_id not in kept and frame.captured_at < now - stale_after
    )
