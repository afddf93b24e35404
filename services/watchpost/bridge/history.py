"""Reads what lies before the checkpoint: it names what was brought, and shows whether the log is still the same."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from confluent_kafka import Consumer, KafkaError, Message, TopicPartition

from watchpost.bridge.patience import patiently, reason_to_wait
from watchpost.bridge.resumption import SourceTopic
from watchpost.contracts.records import SourcePosition
from watchpost.errors import RetryableError

__all__ = ["read_history"]

_PATIENCE_S = 30.0
_CHUNK_RECORDS = 64


@dataclass(slots=True)
class _Past:
    """The offsets of one partition that are read back, from `start` up to `end`, and where a cut shows itself."""

    position: SourcePosition
    start: int
    end: int
    foreign_from: int | None = None

    def belongs(self, message: Message) -> bool:
        """Whether this record was brought: one of a later leader than the last record brought was not."""
        epoch, known = message.leader_epoch(), self.position.leader_epoch
        if self.foreign_from is None and epoch is not None and 0 <= known < epoch:
            self.foreign_from = message.offset()
        return self.foreign_from is None

    @property
    def cut_at(self) -> int | None:
        """The first offset that does not hold what was brought; None where the log is whole."""
        if self.foreign_from is not None:
            return self.foreign_from
        return self.end if self.end < self.position.next_offset else None


def read_history(
    client: Mapping[str, Any],
    topic: SourceTopic,
    positions: Mapping[int, SourcePosition],
    window_records: int,
    remember: Callable[[Message], None],
    over: threading.Event,
) -> dict[int, int | None]:
    """Read the last records before each of `positions` back.

    Kafka's own check of leader epochs would say that a log was cut, not where: a log that was cut and has grown past
    the checkpoint since holds records below it that were never brought.

    Args:
        client: the settings that lead to the site's cluster.
        topic: as it is now; positions of an earlier topic of this name are left out.
        positions: how far the centre has each partition.
        window_records: how many records to read back of each.
        remember: is given each record that was brought, oldest first within a partition.
        over: ends the reading.

    Returns:
        For each partition read, the offset at which its log was cut, or None where it is whole.

    Raises:
        RetryableError: the site does not answer.
    """
    pasts = {
        partition: _past(topic, position, window_records)
        for partition, position in positions.items()
        if position.topic_id == topic.topic_id and partition in topic.partitions
    }
    _read(client, topic, pasts, remember, over)
    # the cut lies before the window: look for it from the log's beginning
    deeper = {
        partition: _from(past.position, topic.partitions[partition].low, past.end)
        for partition, past in pasts.items()
        if past.foreign_from is not None and past.foreign_from == past.start
    }
    _read(client, topic, deeper, remember, over)
    return {partition: past.cut_at for partition, past in (pasts | deeper).items()}


def _past(topic: SourceTopic, position: SourcePosition, window_records: int) -> _Past:
    held = topic.partitions[position.partition]
    end = min(position.next_offset, held.high)
    # one record at least: its leader epoch shows whether the log is still the same
    return _from(position, max(held.low, end - max(1, window_records)), end)


def _from(position: SourcePosition, start: int, end: int) -> _Past:
    return _Past(position, start, end)


def _read(
    client: Mapping[str, Any],
    topic: SourceTopic,
    pasts: Mapping[int, _Past],
    remember: Callable[[Message], None],
    over: threading.Event,
) -> None:
    left = {partition: past for partition, past in pasts.items() if past.start < past.end}
    if not left:
        return
    consumer = Consumer(
        {
            **client,
            "group.id": "watchpost-bridge-history",  # assign() joins no group, librdkafka wants a name nevertheless
            "enable.auto.commit": False,
            "isolation.level": "read_committed",
            "enable.partition.eof": True,
            "auto.offset.reset": "error",
            "queued.max.messages.kbytes": 4096,
        }
    )
    try:
        with patiently(f"reading {topic.name} back"):
            consumer.assign([TopicPartition(topic.name, partition, past.start) for partition, past in left.items()])
            _drain(consumer, topic.name, left, remember, over)
    finally:
        consumer.close()


def _drain(
    consumer: Consumer,
    topic: str,
    left: dict[int, _Past],
    remember: Callable[[Message], None],
    over: threading.Event,
) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while left and not over.is_set():
        if time.monotonic() > deadline:
            raise RetryableError(f"{topic} could not be read back: partitions {sorted(left)} do not arrive")
        for message in consumer.consume(_CHUNK_RECORDS, 0.2):
            past = left.get(message.partition() or 0)
            if past is not None and _take(message, past, topic, remember) >= past.end:
                del left[past.position.partition]
                consumer.incremental_unassign([TopicPartition(topic, past.position.partition)])


def _take(message: Message, past: _Past, topic: str, remember: Callable[[Message], None]) -> int:
    """The offset reached with `message`, which may be the end of the partition or an error."""
    error = message.error()
    offset = message.offset() or 0
    if error is not None:
        if error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001  (its public name for a local error code)
            return offset
        if error.retriable():
            return past.start
        raise reason_to_wait(error, f"reading {topic} back")
    if offset < past.end and past.belongs(message):
        remember(message)
    return offset + 1
