"""Waiting before the next try: longer each time, and never in step with the other sites."""

import random
import threading

__all__ = ["BackOff"]


class BackOff:
    """Waits with full jitter: a hundred sites that lost the same centre must not return in the same moment.

    Args:
        first_s: the longest first wait.
        most_s: the longest wait.
    """

    def __init__(self, first_s: float = 0.5, most_s: float = 5.0) -> None:
        self._first_s = first_s
        self._most_s = most_s
        self._tries = 0

    def wait(self, over: threading.Event) -> None:
        """Wait, unless `over` is set: then return at once."""
        longest_s = min(self._most_s, self._first_s * 2**self._tries)
        self._tries = min(self._tries + 1, 16)
        over.wait(random.uniform(0.1, 1.0) * longest_s)  # noqa: S311  (spreads tries, guards nothing)

    def reset(self) -> None:
        """The last try went well."""
        self._tries = 0
