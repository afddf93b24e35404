"""Answers every frame of what was read: with what it shows, or with the reason why nobody looked."""

from collections import deque
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta

import structlog

from watchpost.clock import Clock
from watchpost.contracts.records import CameraId, FrameAnalyzed, FrameCaptured, SkipReason
from watchpost.errors import FrameCorruptError, FrameGoneError
from watchpost.frames import FrameStore
from watchpost.inference.analyzer import Analyzer, LoadedFrame, Observation
from watchpost.inference.looking import BatchLimit, Seen, seen_in
from watchpost.inference.shedding import overdue
from watchpost.settings import InferenceSettings
from watchpost.stream import Received
from watchpost.telemetry import metrics

__all__ = ["FrameAnswers"]

_LOG = structlog.get_logger()
_LOADERS = 4
_Frames = Sequence[Received[FrameCaptured]]
_Loaded = LoadedFrame | SkipReason


@dataclass(frozen=True, slots=True)
class FrameAnswers:
    """The worker's answers. While the analyzer looks at a batch, the pixels of the next are loaded.

    Args:
        analyzer: what looks.
        store: where the pixels lie.
        clock: what decides that a frame is too old.
        settings: how many at once.
        limit: how many the analyzer's memory holds.
        loaders: the threads that load.

    """

    analyzer: Analyzer
    store: FrameStore
    clock: Clock
    settings: InferenceSettings
    limit: BatchLimit
    loaders: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(_LOADERS, "frames"))

    def of(self, read: _Frames) -> Iterator[FrameAnalyzed]:
        """One answer for each new frame of what was read, in its order; a skip is counted under its reason."""
        new = [received.record for received in read if received.record is not None and not received.warm_up]
        stale_after = timedelta(seconds=self.settings.stale_after_s)
        left_out = overdue(new, self.clock.now(), stale_after, self.limit.frames)
        for together, loaded in self._loaded_ahead(read, left_out):
            seen = self._looked_at(loaded)
            for received in together:
                frame = received.record
                if frame is not None and not received.warm_up:
                    found = seen.get(frame.frame_id, SkipReason.ANALYZER_FAILED)
                    _count(frame.camera, found)
                    yield self._answer(frame, found)

    def _loaded_ahead(
        self, read: _Frames, left_out: Collection[str]
    ) -> Iterator[tuple[_Frames, list[tuple[str, _Loaded]]]]:
        """Each batch with its pixels, by frame_id; the next one's are on their way by then."""
        ahead: deque[tuple[_Frames, list[tuple[str, Future[_Loaded]]]]] = deque()
        batch = self.limit.frames
        for start in range(0, len(read), batch):
            together = read[start : start + batch]
            ahead.append((together, self._loading(together, left_out)))
            if len(ahead) > 1:
                yield _arrived(*ahead.popleft())
        while ahead:
            yield _arrived(*ahead.popleft())

    def _loading(self, together: _Frames, left_out: Collection[str]) -> list[tuple[str, Future[_Loaded]]]:
        return [
            (received.record.frame_id, self.loaders.submit(self._load, received.record, left_out, received.warm_up))
            for received in together
            if received.record is not None
        ]

    def _load(self, frame: FrameCaptured, left_out: Collection[str], late_is_fine: bool) -> _Loaded:  # noqa: FBT001  handed on by submit()
        if frame.frame_id in left_out:
            return SkipReason.OVERLOAD
        if frame.expires_at < self.clock.now() and not late_is_fine:
            return SkipReason.EXPIRED
        try:
            return LoadedFrame(frame, self.store.load_bgr(frame.image))
        except FrameGoneError:
            return SkipReason.FRAME_GONE
        except FrameCorruptError as error:
            _LOG.warning("frame is corrupt", frame_id=frame.frame_id, camera=frame.camera, error=str(error))
            return SkipReason.FRAME_CORRUPT

    def _looked_at(self, loaded: list[tuple[str, _Loaded]]) -> Seen:
        frames = [found for _, found in loaded if isinstance(found, LoadedFrame)]
        skipped = {frame_id: found for frame_id, found in loaded if isinstance(found, SkipReason)}
        return {**skipped, **seen_in(frames, self.analyzer, self.limit)}

    def _answer(self, frame: FrameCaptured, found: Observation | SkipReason) -> FrameAnalyzed:
        seen = None if isinstance(found, SkipReason) else found
        return FrameAnalyzed(
            frame_id=frame.frame_id,
            site=frame.site,
            camera=frame.camera,
            captured_at=frame.captured_at,
            analyzed_at=self.clock.now(),
            image=frame.image,
            reason=frame.reason,
            assignment=frame.assignment,
            stream_bytes=frame.stream_bytes,
            objects=seen.objects if seen else (),
            answers=seen.answers if seen else (),
            person_count=seen.person_count if seen else 0,
            skipped=found if isinstance(found, SkipReason) else None,
            provenance=seen.provenance if seen else self.analyzer.provenance,
            uplink_reason=frame.uplink_reason,
        )


def _arrived(
    together: _Frames, loading: list[tuple[str, Future[_Loaded]]]
) -> tuple[_Frames, list[tuple[str, _Loaded]]]:
    return together, [(frame_id, loaded.result()) for frame_id, loaded in loading]


def _count(camera: CameraId, found: Observation | SkipReason) -> None:
    if isinstance(found, SkipReason):
        metrics.FRAMES_SKIPPED.labels(camera, found.value).inc()
    else:
        metrics.FRAMES_ANALYZED.labels(camera).inc()
