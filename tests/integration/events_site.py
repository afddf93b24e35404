"""A site of which only Kafka and the events service are real: tests play the inference and read what comes out."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from confluent_kafka import OFFSET_BEGINNING, Consumer, ConsumerGroupState, Message, TopicPartition
from confluent_kafka.admin import AdminClient

from tests.fakes.brokers import unique
from tests.waiting import wait_for
from watchpost.contracts import TopicName, decode, encode
from watchpost.contracts.records import EventChanged, FrameAnalyzed
from watchpost.events.logic import initial_state, step
from watchpost.events.rules import rules_from
from watchpost.settings import SiteSettings, load_settings
from watchpost.site.topics import apply_site_topics
from watchpost.stream import RecordProducer, client_config

__all__ = ["EventName", "EventsService", "EventsSite", "fold", "under_load"]

EventName = tuple[str, int]

_PARTITIONS = 24


class EventsService:
    """The service as a process of its own, to be killed as a crash would kill it.

    service = EventsService(config, folder)   # where it runs and keeps its state
    service.start(); …; service.kill(); service.start(); …; assert service.stop() == 0
    """

    def __init__(self, config: Path, folder: Path) -> None:
        folder.mkdir()
        self._config = config
        self._folder = folder
        self.log_file = folder / "log.jsonl"
        self.rocksdb = folder / "state" / "events"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it (again); its log goes on in the same file."""
        command = [sys.executable, "-m", "watchpost", "run", "events", "--config", str(self._config)]
        with self.log_file.open("ab") as log:
            environment = {**os.environ, "OMP_NUM_THREADS": "1"}
            self._process = subprocess.Popen(command, stdout=log, stderr=log, env=environment, cwd=self._folder)

    def kill(self) -> None:
        """End it with kill -9."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def stop(self, within_s: float = 20.0) -> int:
        """End it with SIGTERM; its exit code."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(within_s)

    def exit_code(self) -> int | None:
        """None while it runs."""
        assert self._process is not None
        return self._process.poll()

    def close(self) -> None:
        """Leave no process behind."""
        if self._process is not None and self._process.poll() is None:
            self.kill()


class EventsSite:
    """Topics, configuration and an observer of one test. The broker's site topics are made anew.

    Args:
        bootstrap: a running broker.
        folder: the test's own.

    """

    def __init__(self, bootstrap: str, folder: Path) -> None:
        self.bootstrap = bootstrap
        self.folder = folder
        self.app_id = unique("events")
        self.changelog_topic = f"{self.app_id}-cameras-changelog"
        self.settings = self.configure("site.yaml")
        self.producer = RecordProducer(client_config(bootstrap, {}, "test-inference"))
        self._services: list[EventsService] = []
        self._make_topics_anew()
        self._reader: Consumer | None = None
        self.messages: list[Message] = []

    def configure(
        self, name: str, *, bootstrap: str | None = None, health_port: int = 0, **events: Any
    ) -> SiteSettings:
        """Write a configuration file and load it."""
        document = {
            "site": "shop",
            "state_dir": "state",  # where the service runs: workers share a configuration, never a state
            "kafka": {"bootstrap": bootstrap or self.bootstrap},
            "frames": {"url": f"file://{self.folder}/frames"},
            "telemetry": {"ports": {"events": health_port}},
            "events": {"app_id": self.app_id, "count_interval_s": 2, **events},
        }
        (self.folder / name).write_text(yaml.safe_dump(document))
        return load_settings(self.folder / name)

    def service(self, config: str = "site.yaml") -> EventsService:
        """One more worker of this site, not started."""
        service = EventsService(self.folder / config, self.folder / f"worker-{len(self._services)}")
        self._services.append(service)
        return service

    def observe(self, frames: Sequence[FrameAnalyzed]) -> None:
        """Write observations, acknowledged when this returns."""
        for frame in frames:
            self.producer.send(TopicName.OBSERVATIONS, frame, key=frame.camera)
        self.producer.flush()

    def read(self) -> None:
        """Take in what has come to the events, thumbnails and commands topics since the last call."""
        if self._reader is None:
            client = {
                "bootstrap.servers": self.bootstrap,
                "group.id": unique("reader"),
                "auto.offset.reset": "earliest",
            }
            self._reader = Consumer({**client, "enable.auto.commit": False, "log_level": 0})
            self._reader.subscribe([TopicName.EVENTS, TopicName.THUMBNAILS, TopicName.COMMANDS])
        self.messages += [message for message in self._reader.consume(1000, 0.1) if message.error() is None]

    def values(self, topic: TopicName) -> list[bytes]:
        """What has come to `topic` so far, in the order in which it was read."""
        self.read()
        return [message.value() or b"" for message in self.messages if message.topic() == topic]

    def events(self) -> dict[EventName, list[bytes]]:
        """Every event that has come so far, with the bytes of each time that it came."""
        found: dict[EventName, list[bytes]] = {}
        for value in self.values(TopicName.EVENTS):
            event = decode(value, EventChanged)
            found.setdefault((event.event_id, event.revision), []).append(value)
        return found

    def wait_for_events(self, expected: dict[EventName, bytes], within_s: float = 30.0) -> dict[EventName, list[bytes]]:
        """Every event, as soon as none of `expected` is missing."""

        def missing() -> int:
            return len(expected.keys() - self.events().keys())

        wait_for(missing, lambda count: count == 0, within_s=within_s)
        return self.events()

    def changelog(self) -> list[tuple[bytes, bytes]]:
        """Key and value of every snapshot that the service has saved, oldest first within a camera."""
        topic = self.changelog_topic
        client = {"bootstrap.servers": self.bootstrap, "group.id": unique("reader"), "log_level": 0}
        consumer = Consumer({**client, "enable.auto.commit": False, "enable.partition.eof": True})
        consumer.assign([TopicPartition(topic, number, OFFSET_BEGINNING) for number in range(_PARTITIONS)])
        found: list[tuple[bytes, bytes]] = []
        ended = 0
        while ended < _PARTITIONS:
            for message in consumer.consume(100, 5.0):
                if message.error() is None:
                    found.append((message.key() or b"", message.value() or b""))
                else:
                    ended += 1
        consumer.close()
        return found

    def write_changelog(self, snapshots: Sequence[tuple[bytes, bytes]]) -> None:
        """Write snapshots as a worker would."""
        for key, value in snapshots:
            self.producer.send_bytes(self.changelog_topic, value, key=key)
        self.producer.flush()

    def wait_for_workers(self, count: int, within_s: float = 30.0) -> None:
        """Wait until so many workers share the partitions."""
        admin = AdminClient({"bootstrap.servers": self.bootstrap, "log_level": 0})

        def owners() -> int:
            group = admin.describe_consumer_groups([self.app_id])[self.app_id].result()
            owned = [member.assignment.topic_partitions for member in group.members if member.assignment]
            return sum(bool(parts) for parts in owned) if group.state is ConsumerGroupState.STABLE else 0

        wait_for(owners, lambda found: found == count, within_s=within_s)

    def wait_until_committed(self, within_s: float = 30.0) -> None:
        """Wait until the service has committed every observation that was written."""
        wait_for(self._uncommitted, lambda count: count == 0, within_s=within_s)

    def close(self) -> None:
        """End all processes and clients."""
        for service in self._services:
            service.close()
        if self._reader is not None:
            self._reader.close()

    def _uncommitted(self) -> int:
        topic = TopicName.OBSERVATIONS.value
        consumer = Consumer({"bootstrap.servers": self.bootstrap, "group.id": self.app_id, "log_level": 0})
        try:
            parts = [TopicPartition(topic, number) for number in range(_PARTITIONS)]
            ends = [consumer.get_watermark_offsets(part, timeout=10)[1] for part in parts]
            committed = [max(part.offset, 0) for part in consumer.committed(parts, timeout=10)]
        finally:
            consumer.close()
        return sum(ends) - sum(committed)

    def _make_topics_anew(self) -> None:
        admin = AdminClient({"bootstrap.servers": self.bootstrap})
        planned = {name.value for name in TopicName} | {f"{name.value}.dlq" for name in TopicName}
        there = planned & admin.list_topics(timeout=10).topics.keys()
        for deleted in admin.delete_topics(list(there)).values() if there else ():
            deleted.result()
        wait_for(lambda: planned & admin.list_topics(timeout=10).topics.keys(), lambda left: not left)
        apply_site_topics(self.settings, "site")


def fold(frames: Sequence[FrameAnalyzed], settings: SiteSettings) -> dict[EventName, bytes]:
    """The truth: what the pure event logic makes of these frames, taken in their order."""
    rules = rules_from(settings)
    states = {frame.camera: initial_state(frame.site, frame.camera) for frame in frames}
    found = {}
    for frame in frames:
        states[frame.camera], outputs = step(states[frame.camera], frame, rules)
        found.update({(event.event_id, event.revision): encode(event) for event in outputs.events})
    return found


@contextmanager
def under_load(site: EventsSite, frames: Sequence[FrameAnalyzed], per_second: float) -> Iterator[threading.Thread]:
    """Write `frames` at this rate beside the block; the block may join the thread, its end does."""

    def write() -> None:
        begun_s = time.monotonic()
        for number, frame in enumerate(frames):
            time.sleep(max(0.0, begun_s + number / per_second - time.monotonic()))
            site.producer.send(TopicName.OBSERVATIONS, frame, key=frame.camera)
        site.producer.flush()

    writer = threading.Thread(target=write, name="load")
    writer.start()
    try:
        yield writer
    finally:
        writer.join()
