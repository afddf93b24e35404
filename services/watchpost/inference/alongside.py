"""Lets a detector look on a thread of its own while a model answers: who waits for both waits for the slower one."""

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from watchpost.contracts.records import CameraId, SkipReason
from watchpost.inference.analyzer import Analyzer, LoadedFrame, Observation

__all__ = ["Alongside", "Seen"]

Seen = list[Observation | SkipReason]
# frames of a refused batch come again at once, if they do
_KEPT_FRAMES = 256


class Alongside:
    """An analyzer on one thread. It sees every frame once and in order, also one that comes again."""

    def __init__(self, analyzer: Analyzer) -> None:
        self.analyzer = analyzer
        self._thread = ThreadPoolExecutor(1, "alongside")
        self._kept: dict[str, Observation | SkipReason] = {}

    def begin(self, frames: Sequence[LoadedFrame]) -> Future[Seen]:
        """What it sees in each frame, in the same order."""
        return self._thread.submit(self._seen, frames)

    def keep(self, frames: Sequence[LoadedFrame], seen: Future[Seen]) -> None:
        """Remember what it saw for when these frames come again: it has taken them into its memory already."""
        self._thread.submit(self._store, frames, seen)

    def forget(self, camera: CameraId) -> None:
        """Drop what it remembers of a camera."""
        self._thread.submit(self.analyzer.forget, camera).result()

    def _seen(self, frames: Sequence[LoadedFrame]) -> Seen:
        known = [self._kept.pop(frame.record.frame_id, None) for frame in frames]
        new = [frame for frame, its in zip(frames, known, strict=True) if its is None]
        found = iter(self.analyzer.analyze(new) if new else ())
        return [next(found) if its is None else its for its in known]

    def _store(self, frames: Sequence[LoadedFrame], seen: Future[Seen]) -> None:
        if seen.exception() is None:
            self._kept |= {frame.record.frame_id: its for frame, its in zip(frames, seen.result(), strict=True)}
            for frame_id in list(self._kept)[:-_KEPT_FRAMES]:
                del self._kept[frame_id]
