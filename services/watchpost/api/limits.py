"""Keeps one caller from taking all of the site's time, by a bucket of tokens that fills slowly.

wait_s = limiter.take("shop-till")     # None: go on
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["CallLimiter"]

_MOST_CALLERS = 10_000


@dataclass(slots=True)
class _Bucket:
    calls: float
    filled_s: float


class CallLimiter:
    """As many calls a minute for each caller, at most half of them at once.

    Memory is bounded: of very many callers those that called longest ago are forgotten, and begin with a full bucket.

    Args:
        calls_per_minute: of one caller.
        seconds: a monotonic clock.
    """

    def __init__(self, calls_per_minute: int, seconds: Callable[[], float] = time.monotonic) -> None:
        self._per_second = calls_per_minute / 60
        self._size = max(1.0, calls_per_minute / 2)
        self._seconds = seconds
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def take(self, caller: str) -> float | None:
        """Count a call of `caller`: None when it may go on, else in how many seconds it may come again."""
        now_s = self._seconds()
        bucket = self._buckets.pop(caller, None) or _Bucket(self._size, now_s)
        bucket.calls = min(self._size, bucket.calls + (now_s - bucket.filled_s) * self._per_second)
        bucket.filled_s = now_s
        self._buckets[caller] = bucket
        if len(self._buckets) > _MOST_CALLERS:
            self._buckets.popitem(last=False)
        if bucket.calls < 1:
            return (1 - bucket.calls) / self._per_second
        bucket.calls -= 1
        return None
