"""Reads stretches of topics, read_committed and whole, past transactions that are still open."""

import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from confluent_kafka import Consumer, KafkaError, Message, TopicPartition

from watchpost.errors import RetryableError
from watchpost.stream.kafka_errors import kafka_errors_mapped, passes_by_itself, to_watchpost_error

__all__ = ["Stretch", "read_stretches"]

# a transaction that nobody ends is ended by its timeout, 10 s, and a broker looks for those every 10 s
_PATIENCE_S = 40.0
_CHUNK_MESSAGES = 2000


class Stretch(NamedTuple):
    """A part of a partition: from `start` up to, not including, `end`, which counts uncommitted records too."""

    topic: str
    partition: int
    start: int
    end: int


def read_stretches(client: Mapping[str, Any], stretches: Sequence[Stretch]) -> Generator[Message]:
    """Every committed record of `stretches`, in order within each.

    Raises:
        RetryableError: the cluster fell silent, a transaction stays open, or retention took records meanwhile.
        WatchpostError: a right is missing.
    """
    left = {(each.topic, each.partition): each.end for each in stretches if each.start < each.end}
    if not left:
        return
    consumer = Consumer({**client, **_SETTINGS})
    try:
        with kafka_errors_mapped("reading the centre"):
            starts = {(each.topic, each.partition): each.start for each in stretches}
            consumer.assign([TopicPartition(*place, starts[place]) for place in left])
            yield from _read(consumer, left)
    finally:
        consumer.close()


_SETTINGS = {
    "group.id": "watchpost-audit",  # assign() joins no group, librdkafka wants a name nevertheless
    "enable.auto.commit": False,
    "enable.auto.offset.store": False,
    "isolation.level": "read_committed",
    "enable.partition.eof": True,
    "auto.offset.reset": "error",
    # of each partition, in the client's memory: 65 MB by default, times 24
    "queued.max.messages.kbytes": 1024,
    "queued.min.messages": 1000,
    "fetch.queue.backoff.ms": 20,
    "fetch.message.max.bytes": 256 * 1024,
}


def _read(consumer: Consumer, left: dict[tuple[str, int], int]) -> Iterator[Message]:
    moved_s = time.monotonic()
    while left:
        for message in consumer.consume(_CHUNK_MESSAGES, 0.5):
            place = (message.topic() or "", message.partition() or 0)
            end = left.get(place)
            if end is None:
                continue
            position = _position_after(message)
            if position is None:
                continue
            moved_s = time.monotonic()
            if message.error() is None and position <= end:
                yield message
            # where a transaction's marker stands last no record has the last offset: then the end of the partition
            # tells, which an open transaction lets the client report too early, and again when it is over
            if position >= end:
                del left[place]
                consumer.incremental_unassign([TopicPartition(*place)])
        if time.monotonic() - moved_s > _PATIENCE_S:
            names = ", ".join(f"{topic} partition {partition}" for topic, partition in list(left)[:3])
            raise RetryableError(
                f"{names}: nothing came for {_PATIENCE_S:g} s; a transaction stays open, or it is away"
            )


def _position_after(message: Message) -> int | None:
    """The offset that is read next; None where the message says nothing of it."""
    error = message.error()
    if error is None:
        return (message.offset() or 0) + 1
    if error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001  (its public name for a local error code; and so below)
        return message.offset() or 0
    if error.code() == KafkaError._AUTO_OFFSET_RESET:  # noqa: SLF001
        raise RetryableError(f"{message.topic()}: the centre deleted records while they were read; run it again")
    if not passes_by_itself(error):
        raise to_watchpost_error(error, f"reading {message.topic()}")
    return None
