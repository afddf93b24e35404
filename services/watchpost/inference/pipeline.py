"""The inference worker's path: frames in, observations out."""

from collections import defaultdict
from datetime import timedelta

from watchpost.clock import SystemClock
from watchpost.contracts import TopicName
from watchpost.contracts.records import CameraId, FrameCaptured
from watchpost.frames import FrameStore
from watchpost.inference.analyzers import build_analyzer
from watchpost.inference.frame_answers import FrameAnswers
from watchpost.inference.looking import BatchLimit
from watchpost.inference.wedge import WatchedAnalyzer
from watchpost.settings import SiteSettings
from watchpost.stream import DeadLetters, RecordConsumer, RecordProducer, client_config, watched
from watchpost.telemetry import metrics, running

__all__ = ["run"]

# what the analyzer remembers of a camera is rebuilt from frames that still lie in the store
_WARM_UP = timedelta(seconds=5)
# all that waits is looked over at once, so that the oldest can be left out
_BACKLOG_RECORDS = 256
# 62 GB from a slow disk, and kernels that are compiled
_LOADING_S = 900.0


def run(settings: SiteSettings) -> None:
    """Frames in, observations out. A batch is committed after its observations are acknowledged."""
    clock = SystemClock()
    with running("inference", settings, "model", "kafka") as service:
        service.health.beat(next_within_s=_LOADING_S)
        analyzer = WatchedAnalyzer(build_analyzer(settings), settings.inference.wedged_after_s)
        service.health.ready("model")
        cameras: dict[int, set[CameraId]] = defaultdict(set)

        def forget(_topic: str, partitions: frozenset[int]) -> None:
            for camera in {camera for partition in partitions for camera in cameras.pop(partition, ())}:
                analyzer.forget(camera)

        store, limit = FrameStore(settings.frames, clock), BatchLimit(settings.inference.batch)
        answers = FrameAnswers(analyzer, store, clock, settings.inference, limit)
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
                for observation in answers.of(batch):
                    service.health.beat()
                    producer.send(TopicName.OBSERVATIONS, observation, key=observation.camera)
                producer.flush()
                frames.commit()
                metrics.INFERENCE_LAG_RECORDS.set(frames.lag_records())
