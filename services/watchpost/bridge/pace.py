"""How much goes into one transaction: what the link carries in two seconds, found out on the way."""

import threading

__all__ = ["Budget", "Precedence"]

_MOST_BYTES = 1024 * 1024
_FEWEST_BYTES = 16 * 1024
_LINK_S = 2.0
_BRISK_S = 0.5


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
