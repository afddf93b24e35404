"""Shares the link: what goes up is paid for before it is handed to the client, events first and clips last.

with uplink.waiting(Rank.THUMBNAILS) as turn:
    while wait_s := turn.wait_s(size_bytes):
        …                                    # let the client work meanwhile, and ask again
"""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import IntEnum

from watchpost.bridge.bucket import Bucket
from watchpost.bridge.cap import Cap

__all__ = ["Rank", "Turn", "Uplink"]

# payload: TCP's, IP's and TLS's own bytes are 4 to 6 in 100 of a full segment and are seen by nobody here
_PAYLOAD_SHARE = 0.95
_ASK_AGAIN_S = 0.05
_EVENTS_OVERDRAFT_S = 0.4
_MOST_IDLE_BYTES = 64 * 1024


class Rank(IntEnum):
    """Who goes first while the link is short."""

    EVENTS = 0
    THUMBNAILS = 1
    CLIPS = 2


class Uplink:
    """The link's cap, shared by all that goes to the centre and comes from it. Safe for several threads.

    What is paid is an estimate. `settle` sets it right by what the clients sent and received (`ClientMeter`): the cap
    holds for the bytes on the wire, over any time longer than the second that the statistics are behind.

    Args:
        cap: asked again and again, so that it may change by the hour.
    """

    def __init__(self, cap: Cap) -> None:
        self._cap = cap
        self._lock = threading.Lock()
        self._bucket: Bucket | None = None
        self._waiting: Counter[Rank] = Counter()

    @property
    def bytes_per_s(self) -> float | None:
        """What may go by now, protocols included; None is no cap."""
        kbps = self._cap()
        return None if kbps is None else kbps * 1000 / 8 * _PAYLOAD_SHARE

    @property
    def idle_bytes(self) -> int:
        """How much to take at once of what the lanes leave over: a tenth of a second, so that none waits long."""
        rate = self.bytes_per_s
        return _MOST_IDLE_BYTES if rate is None else max(1, min(_MOST_IDLE_BYTES, int(rate / 10)))

    @contextmanager
    def waiting(self, rank: Rank) -> Iterator["Turn"]:
        """Who is entered keeps lower ranks waiting, also between two payments."""
        turn = Turn(self, rank)
        with self._lock:
            self._waiting[rank] += 1
        try:
            yield turn
        finally:
            turn.leave()

    def wait_s(self, rank: Rank, size_bytes: float, now_s: float, *, owes: bool = True) -> float:
        """0 when `size_bytes` may go, and they count as paid; else how long to wait before asking again.

        `owes`: events may go before there is room for them; what follows waits that off.
        """
        with self._lock:
            bucket = self._bucket_at(now_s)
            if bucket is None:
                return 0.0
            if any(self._waiting[other] for other in Rank if other < rank):
                return _ASK_AGAIN_S
            return bucket.wait_s(size_bytes, now_s, _EVENTS_OVERDRAFT_S if owes and rank is Rank.EVENTS else 0.0)

    def moved(self, before: Rank, after: Rank | None) -> None:
        """One that waits at `before` waits at another rank from now on, or nowhere."""
        with self._lock:
            self._waiting[before] -= 1
            if after is not None:
                self._waiting[after] += 1

    def take(self, rank: Rank, size_bytes: int, over: threading.Event) -> bool:
        """Wait until `size_bytes` may go, of which no statistics tell; False when `over` was set meanwhile."""
        with self.waiting(rank):
            while not over.is_set():
                wait_s = self.wait_s(rank, size_bytes, time.monotonic())
                if wait_s == 0:
                    return True
                over.wait(wait_s)
        return False

    def settle(self, excess_bytes: float, now_s: float) -> None:
        """So many bytes more than were paid are on the wire, or in a client's queue; negative: fewer."""
        with self._lock:
            bucket = self._bucket_at(now_s)
            if bucket is not None:
                bucket.correct(excess_bytes, now_s)

    def _bucket_at(self, now_s: float) -> Bucket | None:
        rate = self.bytes_per_s
        if rate is None:
            self._bucket = None
        elif self._bucket is None:
            self._bucket = Bucket(rate, now_s)
        else:
            self._bucket.bytes_per_s = rate
        return self._bucket


@dataclass(slots=True)
class Turn:
    """A place in the queue for the link."""

    _uplink: Uplink
    rank: Rank
    _is_queued: bool = True
    _is_promoted: bool = False

    @property
    def is_capped(self) -> bool:
        """Whether anything has to be paid for by now."""
        return self._uplink.bytes_per_s is not None

    def wait_s(self, size_bytes: float) -> float:
        """As `Uplink.wait_s`, now."""
        return self._uplink.wait_s(self.rank, size_bytes, time.monotonic(), owes=not self._is_promoted)

    def promote(self) -> None:
        """Wait with the events from now on, but owe nothing: for what has begun and must come to its end."""
        if self._is_queued and self.rank is not Rank.EVENTS:
            self._uplink.moved(self.rank, Rank.EVENTS)
            self.rank, self._is_promoted = Rank.EVENTS, True

    def leave(self) -> None:
        """Keep nobody waiting any longer."""
        if self._is_queued:
            self._uplink.moved(self.rank, None)
            self._is_queued = False
