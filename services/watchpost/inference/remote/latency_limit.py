"""How many requests a server takes at once before they only wait for each other, told by its latency alone.

TCP Vegas (Brakmo and Peterson, 1994) over requests, as Netflix's concurrency-limits does it: with B the latency of a
server that nobody else asks and T the latency now, `limit x (1 - B/T)` requests lie in its queue. The limit grows while
fewer than a few do, and falls where more do, so that it settles a little above the knee of the server's throughput.
Vegas and not AIMD, which needs to be told which latency is right; not Netflix's gradient against a moving average,
which takes a slowly growing queue for the server's own latency.

    begun = limit.begin(in_flight=3)
    limit.took(begun, seconds=0.08)      # or limit.failed(begun)
    limit.most_now
"""

from statistics import median

__all__ = ["LatencyLimit"]

_START = 4
_SAMPLES = 5
_SEARCH_FACTOR = 1.5
_AFTER_FAILURE = 0.7
_FEW_QUEUED, _MANY_QUEUED = 3.0, 6.0
_FEW_SHARE, _MANY_SHARE = 0.1, 0.2
# what the latency of an idle server is changes with its pictures: now and then it is measured anew, by few requests
_ROUNDS_UNTIL_MEASURED = 100
_WHILE_MEASURED = 2
_MEASURING_SAMPLES = 3


class LatencyLimit:
    """A limit between 1 and `most`. It knows no clock: whoever sends requests tells what they took.

    A sample counts only if its request began under the limit that is judged by it.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._limit = float(min(_START, most))
        self._is_searching = True
        self._idle_s: float | None = None
        self._round = 0
        self._rounds = 0
        self._limit_before: float | None = None
        self._samples_s: list[float] = []
        self._peak = 0

    @property
    def most_now(self) -> int:
        """How many requests may be in flight; never less than one."""
        return max(1, int(self._limit))

    def begin(self, in_flight: int) -> int:
        """A request begins; `in_flight` counts it. Gives what `took` and `failed` want to know of it."""
        self._peak = max(self._peak, in_flight)
        return self._round

    def took(self, begun: int, seconds: float) -> None:
        """A request was answered. Tell only of requests that cost the server alike."""
        if begun != self._round:
            return
        self._samples_s.append(seconds)
        if len(self._samples_s) >= (_SAMPLES if self._limit_before is None else _MEASURING_SAMPLES):
            self._judge(median(self._samples_s))

    def failed(self, begun: int | None = None) -> None:
        """A request was refused or ran out of time (None: those in flight): the server has too many.

        Many at once count once.
        """
        if begun in {None, self._round}:
            self._is_searching = False
            self._set((self._limit_before or self._limit) * _AFTER_FAILURE)

    def _judge(self, typical_s: float) -> None:
        if self._limit_before is not None:
            self._idle_s = typical_s
            self._set(self._limit_before)
            return
        self._idle_s = min(self._idle_s or typical_s, typical_s)
        self._rounds += 1
        if self._rounds >= _ROUNDS_UNTIL_MEASURED and self._limit > _WHILE_MEASURED:
            self._measure()
        else:
            self._set(self._next(queued=self._limit * (1 - self._idle_s / max(typical_s, 1e-9))))

    def _next(self, queued: float) -> float:
        many = max(_MANY_QUEUED, _MANY_SHARE * self._limit)
        if queued > many:
            self._is_searching = False
            return self._limit - max(1.0, (queued - many) / 2)
        if queued > max(_FEW_QUEUED, _FEW_SHARE * self._limit):
            self._is_searching = False
            return self._limit
        if self._peak < self.most_now:
            return self._limit  # nobody needs more
        return self._limit * _SEARCH_FACTOR if self._is_searching else self._limit + 1

    def _measure(self) -> None:
        before = self._limit
        self._set(_WHILE_MEASURED)
        self._rounds, self._limit_before = 0, before

    def _set(self, limit: float) -> None:
        self._limit = min(max(1.0, limit), float(self._most))
        self._limit_before = None
        self._round += 1
        self._samples_s.clear()
        self._peak = 0
