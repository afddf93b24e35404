"""Counts what passes a link, by the moment."""

import threading
import time

import numpy as np

__all__ = ["BIN_S", "Bins", "Meter"]

Bins = np.ndarray[tuple[int], np.dtype[np.int64]]
"""Bytes in each 10 ms."""

BIN_S = 0.01
# an hour of bins is 3 MB a direction; what is older is forgotten
_KEPT_BINS = 360_000


class Meter:
    """TCP payload in 10 ms bins. A chunk counts in the moment in which its last byte leaves onto the line.

    Safe for several threads.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._began_s = time.monotonic()
        self._up, self._down = _Series(), _Series()

    @property
    def up_bytes(self) -> int:
        """All bytes that left the near end, towards the target."""
        return self._up.total_bytes

    @property
    def down_bytes(self) -> int:
        """All bytes that left the target."""
        return self._down.total_bytes

    def now_s(self) -> float:
        """Seconds since the meter began."""
        return time.monotonic() - self._began_s

    def passed_up(self, size_bytes: int, at_s: float) -> None:
        """Count what leaves towards the target at `at_s` of `time.monotonic()`."""
        with self._lock:
            self._up.add(int((at_s - self._began_s) / BIN_S), size_bytes)

    def passed_down(self, size_bytes: int, at_s: float) -> None:
        """Count what leaves the target."""
        with self._lock:
            self._down.add(int((at_s - self._began_s) / BIN_S), size_bytes)

    def most_bytes_in_any(self, window_s: float, since_s: float = 0.0) -> int:
        """The most that passed, both directions together, in any span of `window_s` that began at `since_s` or later.

        Spans begin at whole 10 ms. Only the last hour is known.
        """
        passed = self._passed(since_s)
        window_bins = max(1, round(window_s / BIN_S))
        sums = np.concatenate(([0], np.cumsum(passed)))
        # a span at the end that is shorter than the window counts as one
        starts = np.arange(len(passed))
        return int((sums[np.minimum(starts + window_bins, len(passed))] - sums[starts]).max(initial=0))

    def windows(self, window_s: float, since_s: float = 0.0) -> Bins:
        """What passed, both directions together, in each whole span of `window_s` since `since_s`."""
        sums = np.concatenate(([0], np.cumsum(self._passed(since_s))))
        window_bins = max(1, round(window_s / BIN_S))
        return sums[window_bins:] - sums[:-window_bins]

    def _passed(self, since_s: float) -> Bins:
        with self._lock:
            last = max(self._up.last_bin, self._down.last_bin)
            first = max(0, int(since_s / BIN_S), last + 1 - _KEPT_BINS)
            if first > last:
                return np.zeros(0, np.int64)
            return self._up.between(first, last) + self._down.between(first, last)


class _Series:
    """A ring of the last bins of one direction."""

    def __init__(self) -> None:
        self._bins = np.zeros(_KEPT_BINS, np.int64)
        self.last_bin = -1
        self.total_bytes = 0

    def add(self, number: int, size_bytes: int) -> None:
        self.total_bytes += size_bytes
        if number > self.last_bin:
            self._clear(self.last_bin + 1, number)
            self.last_bin = number
        if number > self.last_bin - _KEPT_BINS:
            self._bins[number % _KEPT_BINS] += size_bytes

    def between(self, first: int, last: int) -> Bins:
        """The bins from `first` to `last`, both counted; empty ones after the last that was written."""
        numbers = np.arange(first, last + 1)
        known = (numbers <= self.last_bin) & (numbers > self.last_bin - _KEPT_BINS)
        return np.where(known, self._bins[numbers % _KEPT_BINS], 0)

    def _clear(self, first: int, last: int) -> None:
        if last - first >= _KEPT_BINS:
            self._bins[:] = 0
            return
        start, end = first % _KEPT_BINS, last % _KEPT_BINS
        if start <= end:
            self._bins[start : end + 1] = 0
        else:
            self._bins[start:] = 0
            self._bins[: end + 1] = 0
