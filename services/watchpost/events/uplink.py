"""Remembers which marked frames had their picture: answers come out of order under load, and again after a crash."""

from bisect import insort

__all__ = ["Uplinked", "with_uplinked"]

# one a second is marked, and frames lie in the store for 30 s: there is no picture of an older one
_KEPT = 32

Uplinked = tuple[int, ...]
"""When the newest of them were captured, in microseconds, in order."""


def with_uplinked(known: Uplinked, at_us: int) -> Uplinked:
    """The same with the frame captured at `at_us`; unchanged where it is known, or older than all of a full list."""
    if at_us in known or (len(known) == _KEPT and at_us < known[0]):
        return known
    times_us = list(known)
    insort(times_us, at_us)
    return tuple(times_us[-_KEPT:])
