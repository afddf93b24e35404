"""Stops asking a server that does not answer, so that frames are not kept waiting for it."""

import random
import time
from collections.abc import Callable
from enum import Enum, auto

from watchpost.inference.remote.failures import Failure

__all__ = ["Admission", "CircuitBreaker"]

_FAILURES = 3
_FIRST_WAIT_S = 0.5
_LONGEST_WAIT_S = 30.0
_LONGEST_RETRY_AFTER_S = 300.0


class Admission(Enum):
    """What may be asked of the server now."""

    ALL = auto()
    NOTHING = auto()
    ONE = auto()
    """One request, to see whether it is back. Tell what came of it."""


class CircuitBreaker:
    """Closed until calls fail three times in a row, or once in a way that lasts or that says when to come again.

    Then it lets nothing through, and after a wait (0.5 s, doubled up to 30 s) one request, which closes it or begins
    the next wait.
    """

    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        self._now_s = now_s
        self._failures = 0
        self._wait_s = _FIRST_WAIT_S
        self._opens_at_s: float | None = None
        self._is_probing = False
        self.reason: Failure | None = None

    def admit(self) -> Admission:
        """Whether to ask."""
        if self._opens_at_s is None:
            return Admission.ALL
        if self._is_probing or self._now_s() < self._opens_at_s:
            return Admission.NOTHING
        self._is_probing = True
        return Admission.ONE

    def passed(self) -> None:
        """The server answered."""
        self._failures, self._wait_s, self._opens_at_s = 0, _FIRST_WAIT_S, None
        self._is_probing, self.reason = False, None

    def failed(self, failure: Failure) -> None:
        """It did not."""
        self._failures += 1
        self.reason = failure
        was_open, self._is_probing = self._opens_at_s is not None, False
        if not (was_open or failure.is_lasting or failure.retry_after_s or self._failures >= _FAILURES):
            return
        if failure.is_lasting:
            self._wait_s = _LONGEST_WAIT_S
        # many workers must not come back in the same moment
        wait_s = self._wait_s * random.uniform(0.8, 1.2)  # noqa: S311  (no secret)
        asked_s = min(failure.retry_after_s or 0.0, _LONGEST_RETRY_AFTER_S)
        self._opens_at_s = self._now_s() + max(wait_s, asked_s)
        self._wait_s = min(2 * self._wait_s, _LONGEST_WAIT_S)
