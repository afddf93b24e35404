"""A site of which only Kafka and the events service are real: tests play the inference and read what comes out."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
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
# a worker that was killed keeps its cameras for the 10 s of its session, and a busy machine needs 20 s to start another
_PAUSE_S = 60.0
_USUAL_LINES = ('"event": "event"', '"event": "no thumbnail"')


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
        self._told_to_end = False

    def start(self) -> None:
        """Start it (again); its log goes on in the same file."""
        command = [sys.executable, "-m", "watchpost", "run", "events", "--config", str(self._config)]
        with self.log_file.open("ab") as log:
            environment = {**os.environ, "OMP_NUM_THREADS": "1"}
            self._process = subprocess.Popen(command, stdout=log, stderr=log, env=environment, cwd=self._folder)
        self._told_to_end = False

    def kill(self) -> None:
        """End it with kill -9."""
        assert self._process is not None
        self._told_to_end = True
        self._process.kill()
        self._process.wait()

    def stop(self, within_s: float = 20.0) -> int:
        """End it with SIGTERM; its exit code."""
        assert self._process is not None
        self._told_to_end = True
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(within_s)

    def exit_code(self) -> int | None:
        """None while it runs."""
        assert self._process is not None
        return self._process.poll()

    def ended_by_itself(self) -> bool:
        """Whether it has ended though nobody told it to."""
        return self._process is not None and not self._told_to_end and self._process.poll() is not None

    def condition(self) -> str:
        """Whether it runs, and what it said last beside what it says of every event: for a test that has failed."""
        code = "not started" if self._process is None else self._process.poll()
        lines = self.log_file.read_text().splitlines() if self.log_file.exists() else []
        telling = [line for line in lines if not any(usual in line for usual in _USUAL_LINES)]
        life = "runs" if code is None else f"does not run ({code})"
        return "\n".join([f"{self.log_file.parent.name} {life}; last of {self.log_file}:", *telling[-20:]])

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

    def wait_for_events(
        self, expected: dict[EventName, bytes], meanwhile: Callable[[], object] | None = None
    ) -> dict[EventName, list[bytes]]:
        """Every event, as soon as none of `expected` is missing; it may take as long as events keep coming.

        A service that ended by itself fails the test at once, unless `meanwhile`, called at each look, supervises it.
        """

        def missing() -> list[str]:
            (meanwhile or self._must_run)()
            names = expected.keys() - self.events().keys()
            return sorted(_told_short(expected[name]) for name in names)

        self._wait_while_they_come(missing)
        return self.events()

    def wait_for_some_events(self, at_least: int) -> None:
        """Wait until so many records of events have come."""

        def missing() -> range:
            self._must_run()
            return range(len(self.values(TopicName.EVENTS)), at_least)

        self._wait_while_they_come(missing)

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

        with self._telling():
            wait_for(owners, lambda found: found == count, within_s=within_s)

    def wait_until_committed(self, within_s: float = 30.0) -> None:
        """Wait until the service has committed every observation that was written."""
        with self._telling():
            wait_for(self._uncommitted, lambda count: count == 0, within_s=within_s)

    def close(self) -> None:
        """End all processes and clients."""
        for service in self._services:
            service.close()
        if self._reader is not None:
            self._reader.close()

    def _wait_while_they_come(self, missing: Callable[[], Sequence[object]]) -> None:
        with self._telling():
            left = missing()
            while left:
                left = wait_for(missing, partial(_shorter, len(left)), within_s=_PAUSE_S)

    def _must_run(self) -> None:
        ended = [service.log_file.parent.name for service in self._services if service.ended_by_itself()]
        assert ended == [], f"ended by itself: {', '.join(ended)}"

    @contextmanager
    def _telling(self) -> Iterator[None]:
        """Let what fails inside tell in which condition the services are."""
        try:
            yield
        except AssertionError as problem:
            for service in self._services:
                problem.add_note(service.condition())
            raise

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


def _shorter(than: int, found: Sequence[object]) -> bool:
    return len(found) < than


def _told_short(value: bytes) -> str:
    event = decode(value, EventChanged)
    return f"{event.camera} {event.at:%H:%M:%S.%f} {event.type} {event.phase.value} {event.event_id}/{event.revision}"


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
