"""Waits for a condition with a deadline, and says what it saw last: tests never wait for time."""

import time
from collections.abc import Callable
from typing import TypeVar

__all__ = ["wait_for"]

T = TypeVar("T")


def wait_for(look: Callable[[], T], until: Callable[[T], bool] = bool, *, within_s: float = 20.0) -> T:
    """What `look` returned when `until` first accepted it.

    Example:
        wait_for(lambda: broker.pid, lambda pid: pid is None, within_s=5)

    Raises:
        AssertionError: it was not accepted in time; the message holds what was seen last.

    """
    deadline = time.monotonic() + within_s
    while not until(seen := look()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within_s:g} s; seen last: {seen!r}")
        time.sleep(0.02)
    return seen
