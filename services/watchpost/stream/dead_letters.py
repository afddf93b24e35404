"""Where records go that nobody could read, with the reason, so that none is lost and none stops the rest."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from confluent_kafka import Consumer, Message, TopicPartition

from watchpost.errors import WatchpostError
from watchpost.stream.kafka_errors import kafka_errors_mapped
from watchpost.stream.messages import Header, headers_of, key_of, value_of
from watchpost.stream.producer import RecordProducer
from watchpost.stream.watermarks import watermarks_at_once

__all__ = ["DeadLetter", "DeadLetters", "burial_headers", "read_dead_letters", "replay_dead_letters"]

_REPLAY_GROUP = "watchpost-dlq-replay"
_PREFIX = "watchpost-dlq-"


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A buried record: where it came from, why it was buried, and its bytes as they were."""

    reason: str
    service: str
    source_topic: str
    source_partition: int
    source_offset: int
    key: bytes | None
    value: bytes | None
    headers: tuple[Header, ...]


class DeadLetters:
    """Buries what a service cannot read; too many in a row mean that something else is wrong.

    Args:
        producer: writes to the cluster that the records came from.
        service: who gives up on them.
        limit: burying more than this many in a row raises instead, so that the service stops uncommitted.
    """

    def __init__(self, producer: RecordProducer, service: str, limit: int = 100) -> None:
        self._producer = producer
        self._service = service
        self._limit = limit
        self._in_a_row = 0

    def bury(self, message: Message, reason: str) -> None:
        """Write `message` to its topic's dead-letter topic; acknowledged when this returns.

        Raises:
            WatchpostError: the limit is reached.
            RetryableError: Kafka did not take it.
        """
        self._in_a_row += 1
        if self._in_a_row > self._limit:
            raise WatchpostError(
                f"{self._limit} records in a row could not be read, last: {reason}; a newer producer or another "
                "program may be writing to this topic: mend that, then start again"
            )
        topic = message.topic() or ""
        origin = burial_headers(reason, self._service, topic, message.partition() or 0, message.offset() or 0)
        headers = [*headers_of(message), *origin]
        self._producer.send_bytes(f"{topic}.dlq", value_of(message), key=key_of(message), headers=headers)
        self._producer.flush()

    def readable(self) -> None:
        """Say that a record could be read: the row of failures ends."""
        self._in_a_row = 0


def burial_headers(reason: str, service: str, topic: str, partition: int, offset: int) -> list[Header]:
    """What a dead letter carries beside its own headers: why it was buried, by whom, and where it came from."""
    origin = {"reason": reason, "service": service, "topic": topic, "partition": partition, "offset": offset}
    return [(f"{_PREFIX}{name}", str(value).encode()) for name, value in origin.items()]


def read_dead_letters(client: Mapping[str, Any], topic: str) -> Iterator[DeadLetter]:
    """Every dead letter of `topic` (the source topic's name), oldest first, as of now."""
    consumer = Consumer({**client, "group.id": "watchpost-dlq-list", "enable.auto.commit": False})
    try:
        for message in _up_to_now(consumer, f"{topic}.dlq", committed=False):
            yield _letter(message)
    finally:
        consumer.close()


def replay_dead_letters(client: Mapping[str, Any], topic: str, producer: RecordProducer) -> int:
    """Send `topic`'s dead letters back to it, each once, and return how many. What still fails is buried again."""
    consumer = Consumer({**client, "group.id": _REPLAY_GROUP, "enable.auto.commit": False})
    replayed = 0
    try:
        for message in _up_to_now(consumer, f"{topic}.dlq", committed=True):
            letter = _letter(message)
            producer.send_bytes(letter.source_topic, letter.value, key=letter.key, headers=letter.headers)
            producer.flush()
            consumer.commit(message=message, asynchronous=False)
            replayed += 1
    finally:
        consumer.close()
    return replayed


def _up_to_now(consumer: Consumer, topic: str, *, committed: bool) -> Iterator[Message]:
    partition = TopicPartition(topic, 0)
    with kafka_errors_mapped(f"reading {topic}"):
        low, high = watermarks_at_once(consumer, topic)[0]
        start = consumer.committed([partition], timeout=10)[0].offset if committed else low
    partition.offset = max(start, low)
    consumer.assign([partition])
    position = partition.offset
    while position < high:
        message = consumer.poll(1.0)
        if message is None or message.error() is not None:
            continue
        position = (message.offset() or 0) + 1
        yield message


def _letter(message: Message) -> DeadLetter:
    headers = headers_of(message)
    origin = {name.removeprefix(_PREFIX): value.decode() for name, value in headers if name.startswith(_PREFIX)}
    return DeadLetter(
        reason=origin["reason"],
        service=origin["service"],
        source_topic=origin["topic"],
        source_partition=int(origin["partition"]),
        source_offset=int(origin["offset"]),
        key=key_of(message),
        value=value_of(message),
        headers=tuple(header for header in headers if not header[0].startswith(_PREFIX)),
    )
