"""What one transaction carries: what was taken, and what follows while that is on its way."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from confluent_kafka import Message

from watchpost.bridge.envelope import Outgoing
from watchpost.bridge.manifest import LaneState, Manifest, begun
from watchpost.bridge.reading import Reading
from watchpost.bridge.source import Taken

__all__ = ["Load", "Room"]

# what is read and named at once: small, since it lies in memory twice, while it is sent and as what follows
_HANDFUL_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class Room:
    """What a transaction may hold, and for how long it grows; how long one handful may take to come."""

    records: int
    size_bytes: int
    grows_s: float
    handful_s: float

    def handful(self, records: int = 0, size_bytes: int = 0) -> tuple[int, int, float]:
        """The limits of the next handful, with so much here already."""
        return self.records - records, min(_HANDFUL_BYTES, self.size_bytes - size_bytes), self.handful_s


class Load:
    """Grows while the log is ahead: one commit's round trips for all that is read, named and sent meanwhile.

    Args:
        first: what was taken.
        state: the lane's; left as it is.
        reading: where what follows is taken.
        room: bounds it.
        named: counts messages into a manifest and says what of them goes up.
        over: nothing more follows.
    """

    def __init__(
        self,
        first: Taken,
        state: LaneState,
        reading: Reading,
        room: Room,
        named: Callable[[Manifest, Sequence[Message]], list[Outgoing]],
        over: threading.Event,
    ) -> None:
        self.manifest = begun(state)
        self.last = first
        """The last that was taken."""
        self.records = 0
        """How many go up."""
        self._state, self._reading, self._room = state, reading, room
        self._named, self._over = named, over
        self._size_bytes = 0
        if first.is_full:
            reading.take_ahead(state, *room.handful())
        self.first = self._some(first)
        """What of the first handful goes up."""

    def handfuls(self) -> Iterator[Sequence[Outgoing]]:
        """The first, and those that follow while there is room. Each is read while the one before is sent."""
        until_s = time.monotonic() + self._room.grows_s
        yield self.first
        while self.last.is_full and self._has_room(until_s) and self._reading.follows(self._state):
            handful = self._room.handful(self.records, self._size_bytes)
            self.last = self._reading.take(self._state, *handful)
            if not self.last.messages:
                return
            if self.last.is_full:
                self._reading.take_ahead(self._state, *handful)
            yield self._some(self.last)

    def _some(self, taken: Taken) -> list[Outgoing]:
        outgoing = self._named(self.manifest, taken.messages)
        self._reading.hold(self.manifest.held)
        sizes = [len(record.value) for record in outgoing]
        self._reading.sent(sizes)
        self.records += len(outgoing)
        self._size_bytes += sum(sizes)
        return outgoing

    def _has_room(self, until_s: float) -> bool:
        is_full = self.records >= self._room.records or self._size_bytes >= self._room.size_bytes
        return not (is_full or self._over.is_set() or time.monotonic() >= until_s)
