"""Which frames of a batch are looked at two at a time: a model takes two pictures for about the price of one."""

from collections.abc import Sequence
from datetime import timedelta

from watchpost.contracts.records import CameraId, CaptureReason
from watchpost.inference.analyzer import LoadedFrame

__all__ = ["pairs_of"]

_LONGEST_GAP = timedelta(seconds=1)
# somebody waits for the answer about this very frame, or it is no neighbour of what stands before it
_ALONE = frozenset({CaptureReason.BURST, CaptureReason.ON_DEMAND})


def pairs_of(frames: Sequence[LoadedFrame]) -> dict[int, int]:
    """The place of a pair's later frame, and that of the earlier one: neighbours of one camera, each in one pair."""
    pairs: dict[int, int] = {}
    waiting: dict[CameraId, int] = {}
    for place, frame in enumerate(frames):
        camera = frame.record.camera
        before = waiting.pop(camera, None)
        if before is not None and _belong_together(frames[before], frame):
            pairs[place] = before
        else:
            waiting[camera] = place
    return pairs


def _belong_together(before: LoadedFrame, after: LoadedFrame) -> bool:
    gap = after.record.captured_at - before.record.captured_at
    return (
        timedelta(0) < gap <= _LONGEST_GAP
        and before.bgr.shape == after.bgr.shape
        and before.record.roi == after.record.roi
        and before.record.assignment == after.record.assignment
        and _ALONE.isdisjoint({before.record.reason, after.record.reason})
    )
