"""Answers every frame that was taken: with what it shows, or with the reason why nobody looked."""

import math
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass, replace
from datetime import timedelta
from types import TracebackType
from typing import Self

from watchpost.clock import Clock
from watchpost.contracts.records import CameraId, CaptureReason, FrameAnalyzed, FrameCaptured, SkipReason
from watchpost.frames import FrameStore
from watchpost.inference.analyzer import Analyzer, Observation
from watchpost.inference.analyzer_thread import AnalyzerThread, Looked
from watchpost.inference.frame_loading import FrameLoader
from watchpost.inference.looking import BatchLimit
from watchpost.inference.micro_batches import LookTimes, WaitRules, batch_size, longest_wait_s
from watchpost.inference.stages import BatchStages, Stage
from watchpost.inference.waiting_frames import TakenFrame, WaitingFrames
from watchpost.settings import InferenceSettings
from watchpost.stream import Received
from watchpost.telemetry import metrics

__all__ = ["FrameAnswers"]

# all that waits is looked over at once, so that the oldest can be left out
_BACKLOG_RECORDS = 256
_IDLE_MS = 500
# while the analyzer looks, Kafka is asked this often
_ASKED_AGAIN_S = 0.01
_Answered = tuple[TakenFrame, Observation | SkipReason]


@dataclass(frozen=True, slots=True)
class _Look:
    """A batch that the analyzer looks at, less the frames that left this worker meanwhile."""

    batch: Sequence[TakenFrame]
    found: Future[Looked]


class FrameAnswers:
    """What waits, what is looked at, and what came of it. Only the thread that reads Kafka may call it.

        with FrameAnswers(…) as answers:
            while …:
                answers.add(frames.take(answers.room, wait_ms=0, first_wait_ms=answers.wait_ms))
                for observation in answers.said(): …        # send, flush
                frames.commit(answers.unanswered)

    While the analyzer looks at a batch, on a thread of its own, frames are taken and the next batch's pixels loaded.

    Args:
        analyzer: what looks.
        store: where the pixels lie.
        clock: what decides that a frame is too old.
        settings: what is waited for, and for how long.
        limit: how many frames at once the analyzer's memory holds.
        stages: what the analyzer tells of its time.

    """

    def __init__(
        self,
        analyzer: Analyzer,
        store: FrameStore,
        clock: Clock,
        settings: InferenceSettings,
        limit: BatchLimit,
        stages: BatchStages | None = None,
    ) -> None:
        self._analyzer, self._clock, self._limit = analyzer, clock, limit
        self._rules = WaitRules(timedelta(milliseconds=settings.latency_budget_ms), settings.batch_wait_ms / 1000)
        self._times = LookTimes()
        self._loader = FrameLoader(store)
        self._thread = AnalyzerThread(analyzer, limit, stages or BatchStages())
        self._cameras: dict[int, set[CameraId]] = defaultdict(set)
        self._waiting = WaitingFrames(timedelta(seconds=settings.stale_after_s))
        self._skipped: list[tuple[TakenFrame, SkipReason]] = []
        self._look: _Look | None = None
        self._could_begin_s = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loader.close()
        self._thread.close()

    @property
    def room(self) -> int:
        """How many more frames may be taken; one at least, for whoever never asks Kafka loses its partitions."""
        return max(1, _BACKLOG_RECORDS - len(self._waiting))

    @property
    def wait_ms(self) -> int:
        """How long Kafka may be waited for: not at all while the analyzer looks, for `said` waits for it then."""
        if self._look is not None:
            return 0
        return math.ceil(self._wait_s() * 1000) if self._waiting else _IDLE_MS

    @property
    def unanswered(self) -> list[Received[FrameCaptured]]:
        """All that was added and of which `said` has said nothing yet."""
        looked_at = self._look.batch if self._look else ()
        skipped = (frame for frame, _ in self._skipped)
        return [frame.received for frame in (*self._waiting.all, *skipped, *looked_at)]

    def add(self, taken: Iterable[Received[FrameCaptured]]) -> None:
        """Frames to be answered, each camera's in their order. Those of a warm-up are only looked at."""
        if not self._waiting:
            self._could_begin_s = time.monotonic()
        for received in taken:
            self._cameras[received.partition].add(CameraId(received.key))
            if received.record is not None:
                self._waiting.add(TakenFrame(received, received.record))

    def forget(self, _topic: str, partitions: frozenset[int]) -> None:
        """These partitions left this worker: their frames are another's to answer, their cameras another's to know."""
        self._thread.forget({camera for partition in partitions for camera in self._cameras.pop(partition, ())})
        leaving = [frame for frame in self._waiting.all if frame.received.partition in partitions]
        self._loader.drop(leaving)
        self._waiting.remove(leaving)
        self._skipped = [(frame, why) for frame, why in self._skipped if frame.received.partition not in partitions]
        if self._look is not None:
            staying = [frame for frame in self._look.batch if frame.received.partition not in partitions]
            self._look = replace(self._look, batch=staying)

    def said(self) -> list[FrameAnalyzed]:
        """The answers since the last call, each camera's in their order. The next batch is begun before this returns.

        While the analyzer looks this waits for it, a moment only. Raises RetryableError where the frame store is out
        of reach.
        """
        said: list[_Answered] = self._finished()
        out = self._waiting.left_out(self._clock.now(), self._limit.frames)
        self._loader.drop(frame for frame, _ in out)
        self._skipped += out
        if self._look is None:
            # who waited is newer than what was looked at: not before its answers
            said += self._skipped
            self._skipped = []
            if self._waiting and self._wait_s() <= 0:
                self._begin()
        self._loader.begin(self._waiting.next(self._limit.frames), 2 * self._limit.frames)
        return [self._answer(frame.record, found) for frame, found in said if frame.is_answered]

    def _wait_s(self) -> float:
        waited_s = time.monotonic() - self._could_begin_s
        return longest_wait_s(
            self._waiting.records, self._clock.now(), waited_s, self._limit.frames, self._times, self._rules
        )

    def _begin(self) -> None:
        now = self._clock.now()
        size = batch_size(self._waiting.records, now, self._limit.frames, self._times, self._rules)
        batch = self._waiting.next(size)
        self._waiting.remove(batch)
        for frame in batch:
            # a burst's frames are of the past: they did not wait
            if frame.is_answered and frame.record.reason is not CaptureReason.BURST:
                queued_s = max(0.0, (now - frame.record.captured_at).total_seconds())
                metrics.INFERENCE_STAGE_SECONDS.labels(Stage.QUEUE.value).observe(queued_s)
        loading = [(frame.record.frame_id, self._loader.taken(frame)) for frame in batch]
        self._look = _Look(batch, self._thread.begin(loading))

    def _finished(self) -> list[_Answered]:
        """What was found in a look that is over; nothing while it goes on."""
        look = self._look
        if look is None or wait([look.found], _ASKED_AGAIN_S).not_done:
            return []
        looked = look.found.result()
        if looked.frames:
            self._times.measured(looked.frames, looked.took_s)
        self._look, self._could_begin_s = None, time.monotonic()
        return [(frame, looked.seen.get(frame.record.frame_id, SkipReason.ANALYZER_FAILED)) for frame in look.batch]

    def _answer(self, frame: FrameCaptured, found: Observation | SkipReason) -> FrameAnalyzed:
        _count(frame.camera, found)
        seen = None if isinstance(found, SkipReason) else found
        return FrameAnalyzed(
            frame_id=frame.frame_id,
            site=frame.site,
            camera=frame.camera,
            captured_at=frame.captured_at,
            analyzed_at=self._clock.now(),
            image=frame.image,
            reason=frame.reason,
            assignment=frame.assignment,
            stream_bytes=frame.stream_bytes,
            objects=seen.objects if seen else (),
            answers=seen.answers if seen else (),
            person_count=seen.person_count if seen else 0,
            skipped=found if isinstance(found, SkipReason) else None,
            provenance=seen.provenance if seen else self._analyzer.provenance,
            uplink_reason=frame.uplink_reason,
            recorded=frame.recorded,
        )


def _count(camera: CameraId, found: Observation | SkipReason) -> None:
    if isinstance(found, SkipReason):
        metrics.FRAMES_SKIPPED.labels(camera, found.value).inc()
    else:
        metrics.FRAMES_ANALYZED.labels(camera).inc()
