"""Runs the analyzer on a thread of its own, so that Kafka is read and pixels are loaded while it looks."""

import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from watchpost.contracts.records import CameraId, SkipReason
from watchpost.inference.analyzer import Analyzer, LoadedFrame
from watchpost.inference.frame_loading import Loaded
from watchpost.inference.looking import BatchLimit, Seen, seen_in
from watchpost.inference.stages import BatchStages, Stage

__all__ = ["AnalyzerThread", "Looked"]


@dataclass(frozen=True, slots=True)
class Looked:
    """What became of a batch, by frame_id; how many frames were looked at, and how long that took."""

    seen: Seen
    frames: int
    took_s: float


class AnalyzerThread:
    """Looks at one batch after the other. Only its thread touches what the analyzer remembers.

    Args:
        analyzer: what looks.
        limit: how many frames at once the analyzer's memory holds.
        stages: what the analyzer tells of its time.

    """

    def __init__(self, analyzer: Analyzer, limit: BatchLimit, stages: BatchStages) -> None:
        self._analyzer, self._limit, self._stages = analyzer, limit, stages
        self._thread = ThreadPoolExecutor(1, "analyzer")
        self._leaving: set[CameraId] = set()

    def forget(self, cameras: set[CameraId]) -> None:
        """Drop what is remembered of cameras, after the look that goes on and before the next."""
        self._leaving |= cameras

    def begin(self, batch: Sequence[tuple[str, Future[Loaded]]]) -> Future[Looked]:
        """Look at frames, named by frame_id, as soon as their pixels are there."""
        leaving, self._leaving = self._leaving, set()
        return self._thread.submit(self._look, batch, leaving)

    def close(self) -> None:
        """End the thread, after the look that goes on."""
        self._thread.shutdown(cancel_futures=True)

    def _look(self, batch: Sequence[tuple[str, Future[Loaded]]], leaving: set[CameraId]) -> Looked:
        for camera in leaving:
            self._analyzer.forget(camera)
        loaded = {frame_id: loading.result() for frame_id, loading in batch}
        frames = [one.found for one in loaded.values() if isinstance(one.found, LoadedFrame)]
        skipped = {frame_id: one.found for frame_id, one in loaded.items() if isinstance(one.found, SkipReason)}
        begun_s = time.monotonic()
        self._stages.begun()
        self._stages.took(Stage.PREPROCESS, sum(one.took_s for one in loaded.values()))
        seen = seen_in(frames, self._analyzer, self._limit)
        if frames:
            self._stages.told()
        return Looked({**skipped, **seen}, len(frames), time.monotonic() - begun_s)
