"""Ingest's path: camera specs and commands in, frames and camera events out."""

import cv2

from watchpost.clock import SystemClock
from watchpost.contracts import TopicName
from watchpost.contracts.records import CameraSpec, Command, SiteId
from watchpost.errors import RetryableError
from watchpost.frames import FrameStore
from watchpost.ingest.camera_worker import Surroundings
from watchpost.ingest.cameras import Cameras
from watchpost.ingest.footage import Footage
from watchpost.ingest.lasting_events import LastingEvents
from watchpost.ingest.learning_places import LearningPlaces
from watchpost.ingest.obscured_events import ObscuredEvents
from watchpost.ingest.outlet import Outlet
from watchpost.ingest.past import PastPictures
from watchpost.settings import SiteSettings
from watchpost.stream import DeadLetters, RecordConsumer, RecordProducer, client_config, watched
from watchpost.telemetry import metrics, running

__all__ = ["run"]

_SPECS_AT_ONCE = 500
_ACKNOWLEDGED_WITHIN_S = 2.0
_END_WITHIN_S = 1.0


def run(settings: SiteSettings) -> None:
    """Each camera in a thread: source, stream clock, motion, sampling, frame store, Kafka (`camera_worker`).

    This loop tells them which cameras there are, writes what they say of themselves, and commits the commands taken.
    """
    cv2.setNumThreads(1)  # the cameras are the threads: OpenCV's own would only fight with them
    clock = SystemClock()
    with running("ingest", settings, "kafka", "cameras") as service:
        store = FrameStore(settings.frames, clock)
        store.sweep_orphans()
        client = client_config(settings.kafka.address, settings.kafka.security.client_config(), "watchpost-ingest")
        events = RecordProducer(client)
        frames = RecordProducer(client, {"message.timeout.ms": round(settings.ingest.frame_ttl_s * 1000)})
        site, lasting = SiteId(settings.site.name), LastingEvents(settings.state_dir / "ingest")
        outlet, pasts = Outlet(frames, events, lasting), PastPictures()
        footage = Footage(settings, client, clock, outlet.tell_lasting, lasting.left, on_failure=service.stop.set)
        footage.start()
        record = footage.for_camera
        obscured = ObscuredEvents(site, clock, outlet.tell_lasting, lasting.left, lasting.memories)
        around = Surroundings(
            site, settings.ingest, clock, store, outlet.send, outlet.tell, obscured, pasts, LearningPlaces(), record
        )
        cameras = Cameras(around, settings.max_streams, service.health)
        with RecordConsumer[CameraSpec | Command](
            watched(client, service.health),
            group=settings.ingest.group,
            topics={TopicName.CAMERAS.value: CameraSpec, TopicName.COMMANDS.value: Command},
            dead_letters=DeadLetters(events, "ingest"),
            from_beginning=frozenset({TopicName.CAMERAS.value}),
            on_assigned=cameras.assigned,
            on_revoked=cameras.revoked,
        ) as asked:
            while not service.stop.is_set():
                service.health.beat()
                taken = asked.take(_SPECS_AT_ONCE, wait_ms=50)
                for received in taken:
                    cameras.take(received)
                if len(taken) < _SPECS_AT_ONCE:
                    # what the log still holds of older specs is read to its end before any camera starts
                    cameras.reconcile(clock.now())
                footage.check()
                outlet.deliver(_ACKNOWLEDGED_WITHIN_S)
                _commit(asked)
                metrics.FRAME_STORE_BYTES.set(store.kept_bytes)
            pasts.close()
            cameras.stop(_END_WITHIN_S)
            footage.close(_END_WITHIN_S)
            outlet.close(_END_WITHIN_S)


def _commit(asked: RecordConsumer[CameraSpec | Command]) -> None:
    try:
        asked.commit()
    except RetryableError:
        # after a rebalance the commands come again, to whom the camera belongs now; specs are read anew anyway
        return
