"""Measures how many frames a second an analyzer can look at."""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from statistics import median

from watchpost.contracts.records import CameraId, Provenance, SkipReason
from watchpost.inference.analyzer import Analyzer, LoadedFrame, Observation

__all__ = ["Capacity", "MeteredAnalyzer"]

_LATEST_BATCHES = 15
_BATCHES_COUNT_FOR_S = 600.0


class Capacity:
    """How many frames a second the analyzer can look at: by its time for a batch, so idling does not count.

    Of each size of batch the median of the latest 15 counts: the first may compile kernels. The size that gives most
    decides, since frames that wait come in full batches; a lone frame says less of a GPU. So while a worker idles
    the figure may be too low, and it is right where it matters. Times are seconds of a monotonic clock. Safe for
    several threads.
    """

    def __init__(self) -> None:
        self._took_s: dict[int, deque[float]] = {}
        self._measured_s: dict[int, float] = {}
        self._lock = threading.Lock()

    def took(self, frames: int, seconds: float, now_s: float) -> None:
        """A batch of so many frames took so long."""
        if frames > 0 and seconds > 0:
            with self._lock:
                self._took_s.setdefault(frames, deque(maxlen=_LATEST_BATCHES)).append(seconds)
                self._measured_s[frames] = now_s

    def fps(self, now_s: float) -> float | None:
        """Frames a second; None before the first batch. Sizes that were not measured for 10 minutes do not count."""
        with self._lock:
            if not self._measured_s:
                return None
            counts_since_s = min(max(self._measured_s.values()), now_s - _BATCHES_COUNT_FOR_S)
            return max(
                frames / median(self._took_s[frames])
                for frames, measured_s in self._measured_s.items()
                if measured_s >= counts_since_s
            )


class MeteredAnalyzer:
    """An analyzer whose time for each batch is measured, and of which is known whose frames it looks at."""

    def __init__(self, analyzer: Analyzer, capacity: Capacity, now_s: Callable[[], float] = time.monotonic) -> None:
        self._analyzer, self._capacity, self._now_s = analyzer, capacity, now_s
        self.cameras: frozenset[CameraId] = frozenset()
        """The cameras of the latest batch."""

    @property
    def provenance(self) -> Provenance:
        """The analyzer's."""
        return self._analyzer.provenance

    @property
    def degraded(self) -> str | None:
        """The analyzer's."""
        return self._analyzer.degraded

    def analyze(self, frames: Sequence[LoadedFrame]) -> Sequence[Observation | SkipReason]:
        """The analyzer's."""
        self.cameras = frozenset(frame.record.camera for frame in frames)
        began_s = self._now_s()
        found = self._analyzer.analyze(frames)
        ended_s = self._now_s()
        self._capacity.took(len(frames), ended_s - began_s, ended_s)
        return found

    def forget(self, camera: CameraId) -> None:
        """Drop what is remembered of a camera."""
        self._analyzer.forget(camera)
