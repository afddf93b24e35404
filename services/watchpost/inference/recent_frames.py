"""Remembers which of a camera's latest frames were looked at, so that a few bad ones can be told from most."""

from collections import deque
from dataclasses import dataclass
from datetime import timedelta

from watchpost.contracts.records import CaptureReason, FrameAnalyzed, SkipReason

__all__ = ["RecentFrames", "Shares"]

_WINDOW_S = 10.0
# of a camera that sends less than one every two seconds these are the latest, if no older than a minute
_LEAST_FRAMES = 5
_LONGEST_S = 60.0
# what waited while nobody had the camera is the restart's doing; a clock that is off must not hide all that follows
_TAKEN_OVER = timedelta(seconds=15)
_SHED = frozenset({SkipReason.OVERLOAD, SkipReason.EXPIRED})


@dataclass(frozen=True, slots=True)
class Shares:
    """Of `frames` frames within `span_s` seconds so many were shed, and so many the analyzer failed at."""

    frames: int
    shed: int
    failed: int
    span_s: float

    @property
    def unseen(self) -> float:
        """The share that nobody looked at although it should have been: 0 to 1."""
        return (self.shed + self.failed) / self.frames


class RecentFrames:
    """The answered frames of one camera in the last 10 s of its own time, at least 5 in at most a minute.

    Its own time, because frames that waited are answered all at once. Bursts do not count: they are extra, and late.
    """

    def __init__(self) -> None:
        self._frames: deque[tuple[float, SkipReason | None]] = deque()
        self._first: FrameAnalyzed | None = None

    def take(self, frame: FrameAnalyzed) -> bool:
        """Take in an answered frame, in the order of the answers. Whether it counts."""
        if self._first is None:
            self._first = frame
        waited = frame.captured_at < self._first.analyzed_at
        if frame.reason is CaptureReason.BURST or (
            waited and frame.analyzed_at - self._first.analyzed_at < _TAKEN_OVER
        ):
            return False
        at_s = frame.captured_at.timestamp()
        if self._frames and at_s < self._frames[-1][0] - 1:
            self._frames.clear()  # the stream's clock began anew
        self._frames.append((at_s, frame.skipped))
        self._drop_before(at_s)
        return True

    def shares(self) -> Shares | None:
        """What became of them; None while they are too few to judge by."""
        if len(self._frames) < _LEAST_FRAMES:
            return None
        reasons = [skipped for _, skipped in self._frames]
        return Shares(
            frames=len(reasons),
            shed=sum(reason in _SHED for reason in reasons),
            failed=reasons.count(SkipReason.ANALYZER_FAILED),
            span_s=max(_WINDOW_S, self._frames[-1][0] - self._frames[0][0]),
        )

    def _drop_before(self, now_s: float) -> None:
        frames = self._frames
        while frames[0][0] < now_s - (_WINDOW_S if len(frames) > _LEAST_FRAMES else _LONGEST_S):
            frames.popleft()
