"""Writes events and thumbnails at the site all the time, and counts what is at the centre."""

import itertools
import threading
from collections import Counter
from collections.abc import Iterator
from hashlib import blake2b
from types import TracebackType
from typing import Self

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, Message, Producer, TopicPartition

from tests.fakes.bridged_site import LOADED_CAMERAS, BridgedSite, event, thumbnail
from watchpost.contracts import SourceHeader, TopicName, encode
from watchpost.contracts.records import EventChanged, ThumbnailTaken
from watchpost.stream import headers_of, value_of

__all__ = ["Arrived", "Writer", "count_all"]

# a bridge of small transactions on a busy machine must keep up between the faults: 100 a second left a backlog of
# more than 80,000 after 200 faults
_EVENTS_A_ROUND, _ROUND_S = 10, 0.25
# every fourth round: a second
_THUMBNAIL_EVERY, _THUMBNAIL_BYTES = 4, 4_000
_CARRIED = (TopicName.EVENTS, TopicName.THUMBNAILS)


class Writer:
    """Writes as Faust does (idempotent, murmur2) and remembers what the site's Kafka acknowledged.

    Example:
        with Writer(site) as writer:
            ...
        writer.acknowledged[TopicName.EVENTS]
    """

    def __init__(self, site: BridgedSite) -> None:
        self._bootstrap = site.site_bootstrap
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._write, name="chaos-writer")
        self.acknowledged: dict[str, set[bytes]] = {topic.value: set() for topic in _CARRIED}
        self.failed_records = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    def end(self) -> None:
        """Write no more; returns when all that was written is acknowledged, or failed."""
        self._over.set()
        self._thread.join()

    def _write(self) -> None:
        producer = self._producer()
        for number in itertools.count():
            for record in _round(number):
                topic = TopicName.EVENTS if isinstance(record, EventChanged) else TopicName.THUMBNAILS
                producer.produce(topic, encode(record), record.camera.encode(), on_delivery=self._delivered)
            producer.poll(0)
            if self._over.wait(_ROUND_S):
                break
        producer.flush(120)

    def _producer(self) -> Producer:
        return Producer(
            {
                "bootstrap.servers": self._bootstrap,
                "enable.idempotence": True,
                "partitioner": "murmur2",
                "reconnect.backoff.max.ms": 1000,
                "log_level": 0,
            }
        )

    def _delivered(self, error: KafkaError | None, message: Message) -> None:
        if error is None:
            self.acknowledged[message.topic() or ""].add(_digest(message))
        else:
            self.failed_records += 1


class Arrived:
    """Counts the site's own records at the centre, read_committed, as they come.

    Args:
        site: whose.
    """

    def __init__(self, site: BridgedSite) -> None:
        self._prefix = f"{site.name}/".encode()
        self._consumer = Consumer(
            {
                "bootstrap.servers": site.central_admin or site.central_bootstrap,
                "group.id": "chaos-reader",
                "isolation.level": "read_committed",
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                "auto.offset.reset": "error",
                "reconnect.backoff.max.ms": 1000,
                "log_level": 0,
            }
        )
        topics = self._consumer.list_topics(timeout=20).topics
        self._places = [TopicPartition(name, number) for name in _CARRIED for number in topics[name].partitions]
        self._consumer.assign([TopicPartition(at.topic, at.partition, OFFSET_BEGINNING) for at in self._places])
        self._at_end: set[tuple[str, int]] = set()
        self.counts: dict[str, Counter[bytes]] = {topic.value: Counter() for topic in _CARRIED}
        self.told_gaps = 0

    def close(self) -> None:
        self._consumer.close()

    @property
    def records(self) -> int:
        """How many have arrived, repeats counted."""
        return sum(counts.total() for counts in self.counts.values())

    @property
    def is_at_end(self) -> bool:
        """Whether the end of every partition was seen."""
        return len(self._at_end) == len(self._places)

    def take(self, within_s: float = 0.2) -> int:
        """Count what comes; how many arrived by now."""
        for message in self._consumer.consume(1000, within_s):
            error = message.error()
            if error is None:
                self._count(message)
            elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001  (its public name for a local error code)
                self._at_end.add((message.topic() or "", message.partition() or 0))
        return self.records

    def lacks(self, acknowledged: dict[str, set[bytes]]) -> int:
        """How many of these are not there."""
        return sum(len(wanted - self.counts[topic].keys()) for topic, wanted in acknowledged.items())

    def repeated(self) -> int:
        """How many records are there more than they should be."""
        return sum(counts.total() - len(counts) for counts in self.counts.values())

    def _count(self, message: Message) -> None:
        if not (message.key() or b"").startswith(self._prefix):
            return
        if SourceHeader.OFFSET in dict(headers_of(message)):
            self.counts[message.topic() or ""][_digest(message)] += 1
        else:
            self.told_gaps += 1


def count_all(site: BridgedSite) -> Arrived:
    """A fresh count, from the beginning of both topics to their ends."""
    arrived = Arrived(site)
    while not arrived.is_at_end:
        arrived.take()
    arrived.close()
    return arrived


def _round(number: int) -> Iterator[EventChanged | ThumbnailTaken]:
    for each in range(_EVENTS_A_ROUND):
        yield event(f"e{number}-{each}", LOADED_CAMERAS[each % len(LOADED_CAMERAS)])
    if number % _THUMBNAIL_EVERY == 0:
        yield thumbnail(f"t{number}", LOADED_CAMERAS[number // _THUMBNAIL_EVERY % 3], _THUMBNAIL_BYTES)


def _digest(message: Message) -> bytes:
    """Every record that is written differs from all others, so its bytes name it."""
    return blake2b(value_of(message) or b"", digest_size=12).digest()
