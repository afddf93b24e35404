"""How much goes into one transaction, which is what the link carries in two seconds, and which lane sets out."""

import threading
from dataclasses import dataclass

from watchpost.bridge.cap import Cap
from watchpost.bridge.forecast import Forecast
from watchpost.bridge.lanes import LaneName
from watchpost.bridge.uplink import Uplink

__all__ = ["Budget", "Link", "Precedence", "link_of"]

_FIRST_BYTES = 4 * 1024 * 1024
_MOST_BYTES = 64 * 1024 * 1024
_FEWEST_BYTES = 16 * 1024
_FEWEST_PACED_BYTES = 2048
_LINK_S = 2.0
_COMMIT_IS_OF = 4
_FIRST_MEAN_BYTES: dict[str, float] = {LaneName.EVENTS: 300.0, LaneName.THUMBNAILS: 12_000.0}


class Budget:
    """The bytes that one transaction may hold: halved when a commit is slow, doubled when all of it was brisk.

    A transaction that takes longer than its timeout (10 s) is thrown away by the centre: on a thin link a fixed size
    would never arrive. And while it is open it hides the records of other sites from careful readers.

    Args:
        uplink: knows the link's cap where there is one.
    """

    def __init__(self, uplink: Uplink) -> None:
        self._uplink = uplink
        self._bytes = _FIRST_BYTES
        self._commit_s = 0.0

    def grows_s(self, least_s: float) -> float:
        """For how long a transaction grows while the log is ahead: a commit, which is waited for, is a fifth of it."""
        return min(_LINK_S, max(least_s, _COMMIT_IS_OF * self._commit_s))

    def max_bytes(self, ratio: float) -> int:
        """For records of which each byte is `ratio` bytes on the wire."""
        rate = self._uplink.bytes_per_s
        if rate is None:
            return self._bytes
        return max(_FEWEST_PACED_BYTES, min(self._bytes, int(rate * _LINK_S / ratio)))

    def committed(self, took_s: float, commit_s: float) -> None:
        """Learn from a transaction that went through: how long all of it took, and its commit alone."""
        self._commit_s = commit_s
        if commit_s > _LINK_S:
            self.slow()
        elif took_s < _LINK_S:
            self._bytes = min(_MOST_BYTES, self._bytes * 2)

    def slow(self) -> None:
        """Learn from a commit that was slow, or failed."""
        self._bytes = max(_FEWEST_BYTES, self._bytes // 2)


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


@dataclass(frozen=True, slots=True)
class Link:
    """What the lanes share of the link: who sets out, who may send, and what that promises."""

    precedence: Precedence
    uplink: Uplink
    forecast: Forecast


def link_of(cap: Cap) -> Link:
    """A link under `cap`, on which nothing happened yet."""
    return Link(Precedence(), Uplink(cap), Forecast(_FIRST_MEAN_BYTES))
