"""Ingest cuts the clips of the site's confirmed events, and an event that has none yet is not let go."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from confluent_kafka import Consumer, TopicPartition

from tests.fakes.brokers import Broker, unique
from tests.fakes.coded import at_their_time, coded_clip, coded_packets, pictures_of, recorded_spec
from tests.fakes.site_records import event
from tests.waiting import wait_for
from watchpost.clock import SystemClock
from watchpost.contracts import TopicName
from watchpost.contracts.records import EventChanged
from watchpost.ingest.clips import ClipCutter
from watchpost.recordings import Recorder, bounds_of, folder_id
from watchpost.settings import SiteSettings
from watchpost.site.topics import apply_site_topics
from watchpost.stream import RecordProducer, client_config
from watchpost.stream.embedded import EmbeddedKafka

pytestmark = pytest.mark.kafka

BEFORE_S, AFTER_S = 3, 2


class Site:
    """A camera that is recorded as time passes, on a site's Kafka.

    Example:
        with recording_site(broker, tmp_path) as site:
            site.tell(event(site.camera))

    """

    def __init__(self, broker: Broker, folder: Path) -> None:
        self.root, self.camera = folder / "ring", unique("camera")
        clips = {"before_s": BEFORE_S, "after_s": AFTER_S}
        self.settings = SiteSettings.model_validate(
            {
                "kafka": {"bootstrap": broker.bootstrap},
                "recordings": {"path": str(self.root), "min_free_bytes": 0, "clips": clips},
            }
        )
        self.client = client_config(broker.bootstrap, {}, "test")
        self.recorder = Recorder(self.root, bounds_of(self.settings.recordings), SystemClock(), lambda _: None)
        self._recording = self.recorder.for_camera(recorded_spec(self.camera))
        self._packets = list(coded_packets(coded_clip(folder)))
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Begin to record, as if for ten seconds already."""
        self.recorder.start()
        self._thread.start()

    def stop(self) -> None:
        """End."""
        self._stop.set()
        self._thread.join()
        self.recorder.close(5)

    def tell(self, *events: EventChanged) -> None:
        """Write events."""
        producer = RecordProducer(self.client)
        for each in events:
            producer.send(TopicName.EVENTS, each, key=each.camera)
        producer.flush()

    def clip(self, event_id: str) -> Path:
        """Where the event's clip would lie."""
        return self.root / "clips" / f"{event_id}.mp4"

    def committed(self) -> int:
        """How many of all events are committed."""
        group = f"watchpost-ingest-clips-{folder_id(self.root)}"
        consumer = Consumer({**self.client, "group.id": group})
        try:
            places = [TopicPartition(TopicName.EVENTS.value, number) for number in range(24)]
            return sum(max(0, place.offset) for place in consumer.committed(places, timeout=10))
        finally:
            consumer.close()

    @contextmanager
    def cutter(self) -> Iterator[ClipCutter]:
        """A cutter of its clips."""
        cutter = ClipCutter(self.settings, self.client, self.recorder.ring, SystemClock(), self._stop.set)
        cutter.start()
        yield cutter
        cutter.stop(10)
        assert cutter.failure is None

    def _run(self) -> None:
        began_us = round(datetime.now(UTC).timestamp() * 1_000_000) - 10_000_000
        round_ = 0
        while not self._stop.is_set():
            for coded, captured_us in at_their_time(self._packets, began_us + round_ * 4_000_000):
                ahead_s = captured_us / 1_000_000 - datetime.now(UTC).timestamp()
                if ahead_s > 0 and self._stop.wait(ahead_s):
                    return
                self._recording.take(coded, captured_us)
            round_ += 1


@pytest.fixture
def site(broker: Broker, tmp_path: Path) -> Iterator[Site]:
    running = Site(broker, tmp_path)
    apply_site_topics(running.settings, "site")
    running.start()
    yield running
    running.stop()


def ago(seconds: float) -> datetime:
    return datetime.now(UTC) - timedelta(seconds=seconds)


def test_confirmed_events_get_clips_and_are_let_go_then(site: Site) -> None:
    past, present = unique("past"), unique("present")
    with site.cutter():
        site.tell(event(site.camera, event_id=past, at=ago(5)), event(site.camera, event_id=present, at=ago(0)))
        wait_for(site.clip(past).exists, within_s=40)
        wait_for(site.clip(present).exists, within_s=40)
        wait_for(site.committed, lambda seen: seen >= 2)

    for event_id in (past, present):
        # a keyframe stands at each second
        assert len(pictures_of(site.clip(event_id))) == pytest.approx((BEFORE_S + AFTER_S) * 25, abs=25)


def test_event_whose_clip_was_not_cut_when_the_service_ended_comes_again(site: Site) -> None:
    event_id = unique("event")
    with site.cutter() as cutter:
        site.tell(event(site.camera, event_id=event_id, at=ago(-5)))
        wait_for(lambda: cutter._queue.waiting, within_s=40)
        before = site.committed()
    assert not site.clip(event_id).exists()

    with site.cutter():
        wait_for(site.clip(event_id).exists, within_s=40)
        wait_for(site.committed, lambda seen: seen > before)


def test_poison_is_buried_and_the_next_event_gets_its_clip(site: Site) -> None:
    event_id = unique("event")
    producer = RecordProducer(site.client)
    producer.send_bytes(TopicName.EVENTS, b"no record at all", key=site.camera.encode())
    producer.flush()
    with site.cutter():
        site.tell(event(site.camera, event_id=event_id, at=ago(5)))
        wait_for(site.clip(event_id).exists, within_s=40)


def test_broker_that_restarts_delays_clips(fresh_broker: Callable[[], EmbeddedKafka], tmp_path: Path) -> None:
    kafka = fresh_broker()
    site = Site(kafka, tmp_path)
    apply_site_topics(site.settings, "site")
    site.start()
    first, second = unique("first"), unique("second")
    with site.cutter():
        site.tell(event(site.camera, event_id=first, at=ago(5)))
        wait_for(site.clip(first).exists, within_s=40)
        kafka.kill()
        kafka.start()
        site.tell(event(site.camera, event_id=second, at=ago(0)))
        wait_for(site.clip(second).exists, within_s=60)
    site.stop()
