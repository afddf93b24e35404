"""Forecasts when everything that waits will be at the centre, from what the link carried in the last minutes. Pure."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["Forecast", "LaneCount"]

_WINDOW_S = 120.0
_LEAST_S = 5.0
_STALLED_S = 10.0


@dataclass(frozen=True, slots=True)
class LaneCount:
    """Where a lane stands at a moment; but for `waiting_records` all counts only grow."""

    at_s: float
    waiting_records: int
    sent_records: int
    wire_bytes: int


@dataclass(slots=True)
class _Lane:
    mean_bytes: float
    counts: deque[LaneCount] = field(default_factory=deque)
    moved_s: float = float("-inf")

    @property
    def waiting_bytes(self) -> float:
        return self.counts[-1].waiting_records * self.mean_bytes if self.counts else 0.0

    def add(self, count: LaneCount) -> None:
        if self.counts and count.wire_bytes > self.counts[-1].wire_bytes:
            if count.at_s - self.moved_s > _STALLED_S:
                # a pause is no pace: what went before it says nothing of what goes after it
                self.counts = deque([self.counts[-1]])
            self.moved_s = count.at_s
        self.counts.append(count)
        while count.at_s - self.counts[0].at_s > _WINDOW_S:
            self.counts.popleft()
        first = self.counts[0]
        sent_records = count.sent_records - first.sent_records
        if sent_records > 0:
            self.mean_bytes = (count.wire_bytes - first.wire_bytes) / sent_records

    def rates(self) -> tuple[float, float]:
        """Bytes a second that went, and that came to wait, over the window."""
        if not self.counts:
            return 0.0, 0.0
        first, last = self.counts[0], self.counts[-1]
        passed_s = last.at_s - first.at_s
        if passed_s < _LEAST_S:
            return 0.0, 0.0
        sent_records = last.sent_records - first.sent_records
        came_records = last.waiting_records - first.waiting_records + sent_records
        return (last.wire_bytes - first.wire_bytes) / passed_s, max(0, came_records) / passed_s * self.mean_bytes


class Forecast:
    """Of all lanes together: they share the link, so what one leaves over is another's.

    Args:
        mean_bytes: for each lane, what a record is taken to weigh on the wire before any went.
    """

    def __init__(self, mean_bytes: Mapping[str, float]) -> None:
        self._lanes = {name: _Lane(mean) for name, mean in mean_bytes.items()}
        self._bytes_per_s = 0.0

    def sampled(self, lane: str, mean_bytes: float) -> None:
        """Records that wait weigh so much: said before any of them went."""
        known = self._lanes[lane]
        if not known.counts or known.counts[-1].sent_records == known.counts[0].sent_records:
            known.mean_bytes = mean_bytes

    def seen(self, lane: str, count: LaneCount) -> None:
        """Take in where a lane stands; about once a second."""
        self._lanes[lane].add(count)

    def catch_up_s(self) -> float | None:
        """How long until nothing waits, at the pace of the last two minutes (while nothing moves: the pace before).

        None where that is not known, or never, since more comes than goes.
        """
        waiting_bytes = sum(lane.waiting_bytes for lane in self._lanes.values())
        rates = [lane.rates() for lane in self._lanes.values()]
        going, coming = sum(rate for rate, _ in rates), sum(rate for _, rate in rates)
        if waiting_bytes == 0:
            return 0.0
        if self._is_moving():
            self._bytes_per_s = going
        spare = self._bytes_per_s - coming
        return waiting_bytes / spare if spare > 0 else None

    def _is_moving(self) -> bool:
        now_s = max((lane.counts[-1].at_s for lane in self._lanes.values() if lane.counts), default=0.0)
        return any(now_s - lane.moved_s < _LEAST_S for lane in self._lanes.values())
