"""Measures how many frames a second a worker's cameras send, and whether that is more than it looks at."""

from collections import deque

from watchpost.contracts.records import CaptureReason, FrameAnalyzed

__all__ = ["Demand", "Overdemand"]

_DEMAND_OVER_S = 30.0
_DEMAND_KNOWN_AFTER_S = 5.0
_TELLS_AFTER_S = 30.0


class Demand:
    """How many frames a second a worker's cameras send, whatever became of them: over 30 s of the frames' own time.

    Their own time, because frames that waited for a worker are answered all at once. Bursts do not count: they pass.
    """

    def __init__(self) -> None:
        self._captured_s: deque[float] = deque()
        self._heard_s = 0.0

    def answered(self, frame: FrameAnalyzed, now_s: float) -> None:
        """A frame was answered."""
        if frame.reason is CaptureReason.BURST:
            return
        self._heard_s = now_s
        self._captured_s.append(frame.captured_at.timestamp())
        newest_s = self._captured_s[-1]
        # cameras take turns, each a little ahead of the others or behind: the margin keeps what still counts
        while self._captured_s[0] < newest_s - 2 * _DEMAND_OVER_S:
            self._captured_s.popleft()

    def fps(self, now_s: float) -> float | None:
        """Frames a second; None while too little is known, 0 when none came for so long."""
        if not self._captured_s:
            return None
        if now_s - self._heard_s > _DEMAND_OVER_S:
            return 0.0
        newest_s, oldest_s = max(self._captured_s), min(self._captured_s)
        over_s = min(_DEMAND_OVER_S, newest_s - oldest_s)
        if over_s < _DEMAND_KNOWN_AFTER_S:
            return None
        # the oldest one begins the span and is not in it
        return sum(at_s > newest_s - over_s for at_s in self._captured_s) / over_s


class Overdemand:
    """Whether cameras have asked for more than is looked at, for 30 s on end; and no longer, for as long."""

    def __init__(self) -> None:
        self.stands = False
        self._otherwise_since_s: float | None = None

    def check(self, demand_fps: float | None, capacity_fps: float | None, now_s: float) -> bool:
        """Whether it stands, with these figures now. A figure that is not known is none that was exceeded."""
        exceeds = demand_fps is not None and capacity_fps is not None and demand_fps > capacity_fps
        if exceeds is self.stands:
            self._otherwise_since_s = None
        elif self._otherwise_since_s is None:
            self._otherwise_since_s = now_s
        elif now_s - self._otherwise_since_s >= _TELLS_AFTER_S:
            self.stands, self._otherwise_since_s = exceeds, None
        return self.stands
