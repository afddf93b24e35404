"""Has a batch analysed in as many parts as it takes: what one frame or a full memory does to a model costs no other."""

import time
from collections import deque
from collections.abc import Callable, Sequence

import structlog

from watchpost.contracts.records import SkipReason
from watchpost.errors import BatchTooLargeError, ModelError, RetryableError
from watchpost.inference.analyzer import Analyzer, LoadedFrame, Observation
from watchpost.telemetry import metrics

__all__ = ["BatchLimit", "Seen", "seen_in"]

_LOG = structlog.get_logger()
_GROWS_AFTER_S = 180.0

Seen = dict[str, Observation | SkipReason]


class BatchLimit:
    """How many frames at once the analyzer's memory holds.

    Halved where it did not hold them; doubled, up to `most`, after three minutes without a refusal: who else took the
    card's memory may have left.
    """

    def __init__(self, most: int, now_s: Callable[[], float] = time.monotonic) -> None:
        self._most, self._now_s = most, now_s
        self._set(most)

    @property
    def frames(self) -> int:
        """The limit in force."""
        if self._frames < self._most and self._now_s() - self._changed_s >= _GROWS_AFTER_S:
            self._set(min(self._most, self._frames * 2))
        return self._frames

    def refused(self, frames: int) -> None:
        """So many did not fit."""
        metrics.INFERENCE_BATCHES_REFUSED.inc()
        self._set(max(1, min(self._frames, frames // 2)))
        _LOG.warning("batch_lowered", frames=self._frames, reason="the model's memory did not hold more at once")

    def _set(self, frames: int) -> None:
        self._frames, self._changed_s = frames, self._now_s()
        metrics.INFERENCE_BATCH_FRAMES.set(frames)


def seen_in(frames: Sequence[LoadedFrame], analyzer: Analyzer, limit: BatchLimit) -> Seen:
    """What was seen, by frame_id. A frame that the analyzer could not look at is not among them."""
    seen: Seen = {}
    parts = deque([frames] if frames else [])
    while parts:
        part = parts.popleft()
        if len(part) > limit.frames:
            parts.extendleft(reversed(_parts(part, limit.frames)))
            continue
        try:
            with metrics.INFERENCE_SECONDS.time():
                found = analyzer.analyze(part)
        except Exception as problem:  # noqa: BLE001  whatever one frame does to a model, the worker must answer the others
            parts.extendleft(reversed(_again(part, problem, limit)))
        else:
            seen |= {frame.record.frame_id: one for frame, one in zip(part, found, strict=True)}
    return seen


def _again(part: Sequence[LoadedFrame], problem: Exception, limit: BatchLimit) -> list[Sequence[LoadedFrame]]:
    """The parts in which these frames are tried again; none where that is no use."""
    if isinstance(problem, BatchTooLargeError) and len(part) > 1:
        limit.refused(len(part))
        return [part]
    if isinstance(problem, ModelError | RetryableError):
        # it is the model that fails, not a frame: each alone would wait as long, in vain
        _LOG.warning("model_does_not_answer", frames=len(part), problem=str(problem))
        return []
    if len(part) == 1:
        only = part[0].record
        _LOG.error("analyzer failed", frame_id=only.frame_id, camera=only.camera, exc_info=problem)
        return []
    return _parts(part, 1)


def _parts(frames: Sequence[LoadedFrame], most: int) -> list[Sequence[LoadedFrame]]:
    return [frames[start : start + most] for start in range(0, len(frames), most)]
