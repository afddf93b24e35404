"""The inference worker's path: frames in, observations out."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from datetime import timedelta

import structlog

from watchpost.clock import Clock, SystemClock
from watchpost.contracts import TopicName
from watchpost.contracts.records import CameraId, FrameAnalyzed, FrameCaptured, SkipReason
from watchpost.errors import FrameCorruptError, FrameGoneError
from watchpost.frames import FrameStore
from watchpost.inference.analyzer import Analyzer, LoadedFrame, Observation
from watchpost.inference.analyzers import build_analyzer
from watchpost.inference.looking import BatchLimit, seen_in
from watchpost.inference.shedding import overdue
from watchpost.settings import InferenceSettings, SiteSettings
from watchpost.stream import DeadLetters, Received, RecordConsumer, RecordProducer, client_config, watched
from watchpost.telemetry import metrics, running

__all__ = ["answer", "run"]

_LOG = structlog.get_logger()
# what the analyzer remembers of a camera is rebuilt from frames that still lie in the store
_WARM_UP = timedelta(seconds=5)
# all that waits is looked over at once, so that the oldest can be left out
_BACKLOG_RECORDS = 256


def run(settings: SiteSettings) -> None:
    """Frames in, observations out. A batch is committed after its observations are acknowledged."""
    clock = SystemClock()
    with running("inference", settings, "model", "kafka") as service:
        analyzer = build_analyzer(settings)
        service.health.ready("model")
        cameras: dict[int, set[CameraId]] = defaultdict(set)

        def forget(_topic: str, partitions: frozenset[int]) -> None:
            for camera in {camera for partition in partitions for camera in cameras.pop(partition, ())}:
                analyzer.forget(camera)

        store, limit = FrameStore(settings.frames, clock), BatchLimit(settings.inference.batch)
        client = client_config(settings.kafka.address, settings.kafka.security.client_config(), "watchpost-inference")
        producer = RecordProducer(client)
        with RecordConsumer(
            watched(client, service.health),
            group=settings.inference.group,
            topics={TopicName.FRAMES.value: FrameCaptured},
            dead_letters=DeadLetters(producer, "inference"),
            warm_up=_WARM_UP,
            on_revoked=forget,
        ) as frames:
            while not service.stop.is_set():
                service.health.beat()
                batch = frames.take(_BACKLOG_RECORDS, settings.inference.batch_wait_ms)
                for received in batch:
                    cameras[received.partition].add(CameraId(received.key))
                for observation in answer(batch, analyzer, store, clock, settings.inference, limit):
                    producer.send(TopicName.OBSERVATIONS, observation, key=observation.camera)
                producer.flush()
                frames.commit()
                metrics.INFERENCE_LAG_RECORDS.set(frames.lag_records())


def answer(
    batch: Sequence[Received[FrameCaptured]],
    analyzer: Analyzer,
    store: FrameStore,
    clock: Clock,
    settings: InferenceSettings,
    limit: BatchLimit,
) -> Iterator[FrameAnalyzed]:
    """One answer for each new frame of `batch`, in its order; a skip is an answer too, counted under its reason."""
    new = [received.record for received in batch if received.record is not None and not received.warm_up]
    left_out = overdue(new, clock.now(), timedelta(seconds=settings.stale_after_s), settings.batch)
    for start in range(0, len(batch), settings.batch):
        together = batch[start : start + settings.batch]
        seen, skipped = _look_at(together, left_out, analyzer, store, clock, limit)
        for received in together:
            frame = received.record
            if frame is not None and not received.warm_up:
                found = seen.get(frame.frame_id) or skipped.get(frame.frame_id, SkipReason.ANALYZER_FAILED)
                _count(frame.camera, found)
                yield _observation(frame, found, analyzer, clock)


def _look_at(
    together: Sequence[Received[FrameCaptured]],
    left_out: Collection[str],
    analyzer: Analyzer,
    store: FrameStore,
    clock: Clock,
    limit: BatchLimit,
) -> tuple[dict[str, Observation | SkipReason], dict[str, SkipReason]]:
    """What was seen in which frames, and why others were not looked at, by frame_id."""
    loaded: list[LoadedFrame] = []
    skipped: dict[str, SkipReason] = {}
    for received in together:
        frame = received.record
        if frame is None:
            continue
        if frame.frame_id in left_out:
            skipped[frame.frame_id] = SkipReason.OVERLOAD
            continue
        taken = _load(frame, store, clock, late_is_fine=received.warm_up)
        if isinstance(taken, SkipReason):
            skipped[frame.frame_id] = taken
        else:
            loaded.append(taken)
    return seen_in(loaded, analyzer, limit), skipped


def _load(frame: FrameCaptured, store: FrameStore, clock: Clock, *, late_is_fine: bool) -> LoadedFrame | SkipReason:
    if frame.expires_at < clock.now() and not late_is_fine:
        return SkipReason.EXPIRED
    try:
        return LoadedFrame(frame, store.load_bgr(frame.image))
    except FrameGoneError:
        return SkipReason.FRAME_GONE
    except FrameCorruptError as error:
        _LOG.warning("frame is corrupt", frame_id=frame.frame_id, camera=frame.camera, error=str(error))
        return SkipReason.FRAME_CORRUPT


def _observation(
    frame: FrameCaptured, found: Observation | SkipReason, analyzer: Analyzer, clock: Clock
) -> FrameAnalyzed:
    seen = None if isinstance(found, SkipReason) else found
    return FrameAnalyzed(
        frame_id=frame.frame_id,
        site=frame.site,
        camera=frame.camera,
        captured_at=frame.captured_at,
        analyzed_at=clock.now(),
        image=frame.image,
        reason=frame.reason,
        assignment=frame.assignment,
        stream_bytes=frame.stream_bytes,
        objects=seen.objects if seen else (),
        answers=seen.answers if seen else (),
        person_count=seen.person_count if seen else 0,
        skipped=found if isinstance(found, SkipReason) else None,
        provenance=seen.provenance if seen else analyzer.provenance,
    )


def _count(camera: CameraId, found: Observation | SkipReason) -> None:
    if isinstance(found, SkipReason):
        metrics.FRAMES_SKIPPED.labels(camera, found.value).inc()
    else:
        metrics.FRAMES_ANALYZED.labels(camera).inc()
