"""The inference worker's path: frames in, observations out."""

from collections.abc import Callable
from datetime import timedelta

from watchpost.clock import SystemClock
from watchpost.contracts import TopicName
from watchpost.contracts.records import FrameCaptured
from watchpost.frames import FrameStore
from watchpost.inference.analysis_watch import AnalysisWatch
from watchpost.inference.analyzer import Analyzer
from watchpost.inference.analyzers import build_analyzer
from watchpost.inference.frame_answers import FrameAnswers
from watchpost.inference.looking import BatchLimit
from watchpost.inference.stages import BatchStages, StageListener
from watchpost.settings import SiteSettings
from watchpost.stream import DeadLetters, RecordConsumer, RecordProducer, client_config, watched
from watchpost.telemetry import metrics, running

__all__ = ["run"]

# what the analyzer remembers of a camera is rebuilt from frames that still lie in the store
_WARM_UP = timedelta(seconds=5)
# 62 GB from a slow disk, and kernels that are compiled
_LOADING_S = 900.0


def run(settings: SiteSettings, build: Callable[[SiteSettings, StageListener], Analyzer] = build_analyzer) -> None:
    """Frames in, observations out. What was taken is committed up to the first frame without an acknowledged answer.

    Args:
        settings: the site's.
        build: makes what looks.

    """
    clock, stages = SystemClock(), BatchStages()
    with running("inference", settings, "model", "kafka") as service:
        service.health.beat(next_within_s=_LOADING_S)
        client = client_config(settings.kafka.address, settings.kafka.security.client_config(), "watchpost-inference")
        producer = RecordProducer(client)
        watch = AnalysisWatch(settings, service.health, clock)
        watch.begin(producer)
        analyzer = watch.over(build(settings, stages.took))
        service.health.ready("model")
        store, limit = FrameStore(settings.frames, clock), BatchLimit(settings.inference.batch)
        with (
            FrameAnswers(analyzer, store, clock, settings.inference, limit, stages) as answers,
            RecordConsumer(
                watched(client, service.health),
                group=settings.inference.group,
                topics={TopicName.FRAMES.value: FrameCaptured},
                dead_letters=DeadLetters(producer, "inference"),
                warm_up=_WARM_UP,
                on_revoked=answers.forget,
            ) as frames,
        ):
            while not service.stop.is_set():
                service.health.beat()
                answers.add(frames.take(answers.room, wait_ms=0, first_wait_ms=answers.wait_ms))
                observations = answers.said()
                for observation in observations:
                    producer.send(TopicName.OBSERVATIONS, observation, key=observation.camera)
                    watch.answered(observation)
                watch.tell(producer)
                unanswered = answers.unanswered
                if observations or not unanswered:
                    producer.flush()
                    frames.commit(unanswered)
                    metrics.INFERENCE_LAG_RECORDS.set(frames.lag_records() + len(unanswered))
