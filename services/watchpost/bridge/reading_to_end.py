"""Reads a compacted topic of one partition up to now, past transactions that are still open."""

import time
from collections.abc import Mapping
from typing import Any

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, Message, TopicPartition

from watchpost.bridge.clusters import Cluster
from watchpost.bridge.patience import patiently, reason_to_wait
from watchpost.errors import RetryableError

__all__ = ["read_to_end"]

# a transaction that nobody ends is ended by its timeout, 10 s, and a broker looks for those every 10 s
_PATIENCE_S = 30.0


def read_to_end(
    client: Mapping[str, Any], cluster: Cluster, topic: str, start: int = OFFSET_BEGINNING
) -> list[Message]:
    """Every committed record of `topic`'s partition 0 from offset `start` up to now, oldest first.

    An open transaction holds back the committed records behind it, and the end of partition is reported before them:
    only the position tells. It must reach the high watermark that counts uncommitted records too.

    Raises:
        RetryableError: the cluster does not answer, or a transaction stays open.
    """
    end = cluster.ends_of(topic, [0])[0]
    consumer = Consumer(
        {
            **client,
            "group.id": "watchpost-bridge-reader",  # assign() joins no group, librdkafka wants a name nevertheless
            "enable.auto.commit": False,
            "isolation.level": "read_committed",
            "enable.partition.eof": True,
            "auto.offset.reset": "error",
        }
    )
    try:
        with patiently(f"reading {topic}"):
            consumer.assign([TopicPartition(topic, 0, start)])
            return _read_until(consumer, topic, end)
    finally:
        consumer.close()


def _read_until(consumer: Consumer, topic: str, end: int) -> list[Message]:
    read: list[Message] = []
    position = 0
    deadline = time.monotonic() + _PATIENCE_S
    while position < end:
        if time.monotonic() > deadline:
            raise RetryableError(f"{topic} could be read up to offset {position} of {end}: a transaction stays open")
        message = consumer.poll(0.2)
        if message is None:
            continue
        error = message.error()
        if error is None:
            read.append(message)
            position = (message.offset() or 0) + 1
        elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001  (its public name for a local error code)
            position = message.offset() or 0
        elif error.code() == KafkaError.GROUP_AUTHORIZATION_FAILED:
            continue  # the client asks for a coordinator, though assign() needs none: no right for a group is wanted
        elif not error.retriable():
            raise reason_to_wait(error, f"reading {topic}")
    return read
