"""A site and a centre, with all their topics, for a bridge to join."""

import json
import os
import socket
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from confluent_kafka import KafkaError, KafkaException, Message, Producer, murmur2
from confluent_kafka.admin import AdminClient

from tests.fakes.arrivals import Reader
from tests.fakes.bridge_process import BridgeProcess
from tests.fakes.brokers import unique
from tests.waiting import wait_for
from watchpost.contracts import TopicName, encode, site_topics
from watchpost.contracts.records import (
    CameraId,
    EventChanged,
    EventPhase,
    Provenance,
    SiteId,
    ThumbnailReason,
    ThumbnailTaken,
)
from watchpost.errors import WatchpostError
from watchpost.settings import SiteSettings
from watchpost.stream.topics import TopicPlan, apply_topics

__all__ = ["LOADED_CAMERAS", "BridgedSite", "delete_topics", "event", "load", "partition_of", "thumbnail"]

LOADED_CAMERAS = ("door", "yard", "hall")

_NOBODY = Provenance("test", "fp32", "", "", "", "")


def event(name: str, camera: str = "door", revision: int = 1) -> EventChanged:
    """An event that differs from others by its name and revision."""
    now = datetime.now(UTC)
    return EventChanged(
        event_id=name,
        revision=revision,
        site=SiteId("shop"),
        camera=CameraId(camera),
        type="person_count",
        phase=EventPhase.SAMPLE,
        opened_at=now,
        at=now,
        confidence=1.0,
        person_count=2,
        box=None,
        thumbnail_id=None,
        clip_uri=None,
        verdict=None,
        detail=None,
        provenance=_NOBODY,
    )


def thumbnail(name: str, camera: str = "door", jpeg_bytes: int = 20_000) -> ThumbnailTaken:
    """A thumbnail of incompressible bytes."""
    return ThumbnailTaken(
        thumbnail_id=name,
        site=SiteId("shop"),
        camera=CameraId(camera),
        event_id=None,
        taken_at=datetime.now(UTC),
        reason=ThumbnailReason.INTERVAL,
        jpeg=os.urandom(jpeg_bytes),
        width=320,
        height=180,
    )


@dataclass(slots=True)
class BridgedSite:
    """A site's cluster and a centre, with all topics, under a site name that no other test has.

    Args:
        site_bootstrap, central_bootstrap: two brokers. The site's topics are made anew.
        folder: for configuration and logs.
        options: more keys of the configuration file.
        topic_settings: other settings of the site's topics than the catalogue's.
        central_admin: the centre's address for who stands there; that of the bridge where it is the same.
    """

    site_bootstrap: str
    central_bootstrap: str
    folder: Path
    options: Mapping[str, Any] = field(default_factory=dict)
    topic_settings: Mapping[str, str] = field(default_factory=dict)
    central_admin: str | None = None
    name: SiteId = field(default_factory=lambda: SiteId(unique("shop")))
    _processes: int = 0

    def __post_init__(self) -> None:
        self.remake_site_topics()
        self.make_central_topics()

    @property
    def config(self) -> dict[str, Any]:
        """The configuration file's content, but for the port."""
        return {
            "site": self.name,
            "kafka": {"bootstrap": self.site_bootstrap},
            "central": {"bootstrap": self.central_bootstrap},
            **self.options,
        }

    def settings(self) -> SiteSettings:
        """The same as typed settings."""
        return SiteSettings(**self.config)

    def bridge(self) -> BridgeProcess:
        """Start one more bridge of this site."""
        self._processes += 1
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = int(free.getsockname()[1])
        path = self.folder / f"bridge-{self._processes}.yaml"
        path.write_text(json.dumps({**self.config, "telemetry": {"ports": {"bridge": port}}}))
        return BridgeProcess(path, port, path.with_suffix(".log"))

    def remake_site_topics(self) -> None:
        """Delete the site's topics where there are any, and make them."""
        both_ways = (TopicName.EVENTS, TopicName.THUMBNAILS, TopicName.VERDICTS, TopicName.RELEASES)
        names = {name.value for name in both_ways}
        delete_topics(self.site_bootstrap, names)
        plans = [
            TopicPlan(topic.name, topic.partitions, {**topic.settings, **self.topic_settings})
            for topic in site_topics("site", self.name)
            if topic.name in names
        ]
        # a topic that is being deleted still counts as there
        wait_for(lambda: _made(self.site_bootstrap, plans), within_s=20)

    def make_central_topics(self) -> None:
        """Make what the centre lacks for this site."""
        plans = [TopicPlan(t.name, t.partitions, t.settings) for t in site_topics("central", self.name)]
        apply_topics({"bootstrap.servers": self.central_admin or self.central_bootstrap}, plans)

    def write(
        self, records: Iterable[EventChanged | ThumbnailTaken], headers: Mapping[str, bytes] | None = None
    ) -> list[bytes]:
        """Write `records` at the site, in order, acknowledged; their bytes."""
        values = []
        with _Writer(self.site_bootstrap) as writer:
            for record in records:
                topic = TopicName.EVENTS if isinstance(record, EventChanged) else TopicName.THUMBNAILS
                values.append(encode(record))
                writer.produce(topic, values[-1], record.camera, headers)
        return values

    def write_bytes(self, topic: TopicName, value: bytes, camera: str = "door", timestamp_ms: int = 0) -> None:
        """Write `value` as it is."""
        with _Writer(self.site_bootstrap) as writer:
            writer.produce(topic, value, camera, timestamp_ms=timestamp_ms)

    def reader(self, topic: TopicName = TopicName.EVENTS) -> Reader:
        """A reader of what arrives at the centre."""
        return Reader(self.central_admin or self.central_bootstrap, topic, self.name)


@contextmanager
def load(site: BridgedSite) -> Iterator[list[bytes]]:
    """Write batches of events for as long as the block runs; yields what was written so far."""
    written: list[bytes] = []
    done = threading.Event()

    def write() -> None:
        batch = 0
        while not done.is_set():
            written.extend(site.write(event(f"e{batch}-{n}", LOADED_CAMERAS[n % 3]) for n in range(50)))
            batch += 1
            done.wait(0.1)

    writer = threading.Thread(target=write, name="load")
    writer.start()
    try:
        yield written
    finally:
        done.set()
        writer.join()


class _Writer:
    """A producer as Faust's: idempotent, murmur2."""

    def __init__(self, bootstrap: str) -> None:
        self._failures: list[KafkaError] = []
        self._producer = Producer(
            {"bootstrap.servers": bootstrap, "enable.idempotence": True, "partitioner": "murmur2", "log_level": 0}
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._producer.flush(30) == 0
        assert not self._failures

    def produce(
        self, topic: str, value: bytes, camera: str, headers: Mapping[str, bytes] | None = None, timestamp_ms: int = 0
    ) -> None:
        self._producer.produce(
            topic,
            value,
            camera.encode(),
            headers=list((headers or {}).items()),
            timestamp=timestamp_ms,
            on_delivery=self._delivered,
        )
        self._producer.poll(0)

    def _delivered(self, error: KafkaError | None, _message: Message) -> None:
        if error is not None:
            self._failures.append(error)


def partition_of(key: str) -> int:
    """Where murmur2 puts a key among 24 partitions."""
    return murmur2(key.encode(), 24)


def delete_topics(bootstrap: str, names: Iterable[str]) -> None:
    """Delete those of `names` that exist."""
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
    for outcome in admin.delete_topics(list(names), operation_timeout=20).values():
        try:
            outcome.result()
        except KafkaException as error:
            if error.args[0].code() != KafkaError.UNKNOWN_TOPIC_OR_PART:
                raise


def _made(bootstrap: str, plans: Sequence[TopicPlan]) -> bool:
    try:
        return len(apply_topics({"bootstrap.servers": bootstrap}, plans).created) == len(plans)
    except WatchpostError:
        return False
