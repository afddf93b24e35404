"""Ends a worker whose analyzer never comes back, as a hung GPU's does not: whoever supervises it starts another."""

import os
import threading
from collections.abc import Callable, Sequence

import structlog

from watchpost.contracts.records import CameraId, Provenance, SkipReason
from watchpost.inference.analyzer import Analyzer, LoadedFrame, Observation

__all__ = ["EXIT_WEDGED", "WatchedAnalyzer", "end_wedged"]

_LOG = structlog.get_logger()
EXIT_WEDGED = 75
"""BSD's EX_TEMPFAIL: the same work may go well in a new process."""


def end_wedged() -> None:
    """End this process as one whose analyzer hangs."""
    # no clean-up: what hangs would hang it too, and nothing of the batch is committed
    os._exit(EXIT_WEDGED)


class WatchedAnalyzer:
    """An analyzer that has `after_s` for a batch. What it hangs on is answered by who takes the cameras over."""

    def __init__(self, analyzer: Analyzer, after_s: float, end: Callable[[], None] = end_wedged) -> None:
        self._analyzer, self._after_s, self._ends = analyzer, after_s, end

    @property
    def provenance(self) -> Provenance:
        """The analyzer's."""
        return self._analyzer.provenance

    @property
    def degraded(self) -> str | None:
        """The analyzer's."""
        return self._analyzer.degraded

    def analyze(self, frames: Sequence[LoadedFrame]) -> Sequence[Observation | SkipReason]:
        """The analyzer's, if it comes back in time."""
        timer = threading.Timer(self._after_s, self._wedged, [len(frames)])
        timer.daemon = True
        timer.start()
        try:
            return self._analyzer.analyze(frames)
        finally:
            timer.cancel()

    def forget(self, camera: CameraId) -> None:
        """Drop what is remembered of a camera."""
        self._analyzer.forget(camera)

    def _wedged(self, frames: int) -> None:
        _LOG.critical(
            "analyzer_wedged",
            frames=frames,
            after_s=self._after_s,
            model=self._analyzer.provenance.model,
            remedy="this process ends and its supervisor starts another; look at nvidia-smi if it comes again",
        )
        self._ends()
