"""How much goes into one transaction, what the link carries in two seconds, and when: never more than the cap."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

__all__ = ["Budget", "Precedence", "Uplink"]

_MOST_BYTES = 1024 * 1024
_FEWEST_BYTES = 16 * 1024
_LINK_S = 2.0
_BRISK_S = 0.5
_MOST_IDLE_BYTES = 64 * 1024
_ASK_AGAIN_S = 0.1


class Budget:
    """The bytes that one transaction may hold: halved when a commit is slow, doubled when commits are brisk.

    A transaction that takes longer than its timeout (10 s) is thrown away by the centre: on a thin link a fixed size
    would never arrive. And while it is open it hides the records of other sites from careful readers.

    Args:
        max_kbps: the link's cap where one is set.
    """

    def __init__(self, max_kbps: float | None) -> None:
        cap = _MOST_BYTES if max_kbps is None else int(max_kbps * 1000 / 8 * _LINK_S)
        self._most_bytes = max(_FEWEST_BYTES, min(_MOST_BYTES, cap))
        self.max_bytes = self._most_bytes

    def committed(self, took_s: float) -> None:
        """Learn from a commit that went through."""
        if took_s > _LINK_S:
            self.slow()
        elif took_s < _BRISK_S:
            self.max_bytes = min(self._most_bytes, self.max_bytes * 2)

    def slow(self) -> None:
        """Learn from a commit that was slow, or failed."""
        self.max_bytes = max(_FEWEST_BYTES, self.max_bytes // 2)


class Precedence:
    """Events first: while they have more than one transaction's worth waiting, thumbnails do not set out.

    Only a backlog that moves has precedence: events that are held or cannot be sent keep no picture waiting.
    """

    def __init__(self) -> None:
        self._clear = threading.Event()
        self._clear.set()

    def backlog(self, *, moves: bool) -> None:
        """Said by the first lane: whether it has a backlog that moves."""
        if moves:
            self._clear.clear()
        else:
            self._clear.set()

    def is_clear(self, wait_s: float) -> bool:
        """Asked by the second lane, which waits up to `wait_s` for it."""
        return self._clear.wait(wait_s)


class Uplink:
    """The link's cap, shared by the lanes: a token bucket that a transaction pays into before it begins.

    Nothing waits inside a transaction: the centre would end one that takes too long. So the bucket may go into debt by
    a transaction, two seconds of the link, and whoever comes next waits it off; over a longer time the cap holds.

    Args:
        max_kbps: kilobits a second; None is no cap.
    """

    def __init__(self, max_kbps: float | None) -> None:
        self._bytes_per_s = None if max_kbps is None else max_kbps * 1000 / 8
        self._lock = threading.Lock()
        self._free_at_s = 0.0
        self._lanes_waiting = 0

    @property
    def idle_bytes(self) -> int:
        """How much to take at once of what the lanes leave over: half a second of the link, so that none waits long."""
        if self._bytes_per_s is None:
            return _MOST_IDLE_BYTES
        return max(1, min(_MOST_IDLE_BYTES, int(self._bytes_per_s / 2)))

    def wait_s(self, size_bytes: int, now_s: float, *, goes_first: bool) -> float:
        """0 when `size_bytes` may go at `now_s`, and they count as gone; else how long to wait before asking again.

        `goes_first`: events do not wait for what pictures owe, up to two seconds of it.
        """
        if self._bytes_per_s is None:
            return 0.0
        with self._lock:
            owed_s = self._free_at_s - now_s - (_LINK_S if goes_first else 0.0)
            if owed_s > 0:
                return owed_s
            self._free_at_s = max(self._free_at_s, now_s) + size_bytes / self._bytes_per_s
            return 0.0

    def idle_wait_s(self, size_bytes: int, now_s: float) -> float:
        """As `wait_s`, for what comes last: it may go while no lane waits and none owes anything."""
        if self._bytes_per_s is None:
            return 0.0
        with self._lock:
            if self._lanes_waiting:
                return _ASK_AGAIN_S
            if self._free_at_s > now_s:
                return self._free_at_s - now_s
            self._free_at_s = now_s + size_bytes / self._bytes_per_s
            return 0.0

    def take(self, size_bytes: int, over: threading.Event, *, goes_first: bool) -> bool:
        """Wait until `size_bytes` may go; False when `over` was set meanwhile."""
        with self._a_lane_waits():
            return _waited(partial(self.wait_s, size_bytes, goes_first=goes_first), over)

    def take_idle(self, size_bytes: int, over: threading.Event) -> bool:
        """As `take`, for what comes last."""
        return _waited(partial(self.idle_wait_s, size_bytes), over)

    @contextmanager
    def _a_lane_waits(self) -> Iterator[None]:
        with self._lock:
            self._lanes_waiting += 1
        try:
            yield
        finally:
            with self._lock:
                self._lanes_waiting -= 1


def _waited(wait_s: Callable[[float], float], over: threading.Event) -> bool:
    while not over.is_set():
        left_s = wait_s(time.monotonic())
        if left_s == 0:
            return True
        over.wait(left_s)
    return False
