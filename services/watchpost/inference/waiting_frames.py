"""Holds the frames that were taken and are not looked at yet, and says which of them nobody shall look at."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from watchpost.contracts.records import FrameCaptured, SkipReason
from watchpost.inference.micro_batches import in_turn
from watchpost.inference.shedding import overdue
from watchpost.stream import Received

__all__ = ["TakenFrame", "WaitingFrames"]


@dataclass(frozen=True, slots=True)
class TakenFrame:
    """A frame that was taken from Kafka, and where it stood there."""

    received: Received[FrameCaptured]
    record: FrameCaptured

    @property
    def place(self) -> tuple[int, int]:
        """Its partition and offset."""
        return self.received.partition, self.received.offset

    @property
    def is_answered(self) -> bool:
        """Whether anybody is told of it: a warm-up's frames were answered before."""
        return not self.received.warm_up


class WaitingFrames:
    """Frames in the order in which they came.

    Args:
        stale_after: while more wait than a batch takes, older ones are left out.

    """

    def __init__(self, stale_after: timedelta) -> None:
        self._stale_after = stale_after
        self._frames: list[TakenFrame] = []

    def __len__(self) -> int:
        return len(self._frames)

    @property
    def all(self) -> Sequence[TakenFrame]:
        """All of them, as they came."""
        return self._frames

    @property
    def records(self) -> list[FrameCaptured]:
        """Their records, as they came."""
        return [frame.record for frame in self._frames]

    def add(self, frame: TakenFrame) -> None:
        """One more."""
        self._frames.append(frame)

    def next(self, size: int) -> list[TakenFrame]:
        """The next `size` in turn over the cameras; they go on waiting."""
        return [self._frames[place] for place in in_turn([frame.record.camera for frame in self._frames], size)]

    def remove(self, frames: Iterable[TakenFrame]) -> None:
        """These wait no more."""
        places = {frame.place for frame in frames}
        self._frames = [frame for frame in self._frames if frame.place not in places]

    def left_out(self, now: datetime, at_most: int) -> list[tuple[TakenFrame, SkipReason]]:
        """Those that expired, and those that more than `at_most` others would wait for; they wait no more.

        A warm-up's are kept: they are old, and only remembered.
        """
        new = [frame for frame in self._frames if frame.is_answered]
        late = overdue([frame.record for frame in new], now, self._stale_after, at_most)
        out = [
            (frame, SkipReason.OVERLOAD if frame.record.frame_id in late else SkipReason.EXPIRED)
            for frame in new
            if frame.record.frame_id in late or frame.record.expires_at < now
        ]
        self.remove(frame for frame, _ in out)
        return out
