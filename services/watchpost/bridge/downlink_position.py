"""Finds in the site's own log how far the centre's records were brought.

Each of them says in its headers from which offset of the centre it came, and partition n of the centre goes to
partition n of the site, in order. So the site's log is its own checkpoint: where it ends, there the downlink goes on.
"""

import time
from collections.abc import Mapping
from typing import Any

from confluent_kafka import Consumer, KafkaError, Message, TopicPartition

from watchpost.bridge.patience import patiently, reason_to_wait
from watchpost.bridge.resumption import SourceTopic
from watchpost.contracts import SourceHeader
from watchpost.errors import RetryableError
from watchpost.stream import headers_of

__all__ = ["brought_up_to"]

_FIRST_BACK, _FURTHER = 32, 16
_PATIENCE_S = 30.0
_CHUNK_RECORDS = 256


def brought_up_to(client: Mapping[str, Any], target: SourceTopic, cluster_id: str, topic_id: str) -> dict[int, int]:
    """For each partition of the site's topic, the offset at the centre that follows the last record brought.

    Partitions that hold nothing of that topic are left out: it was never brought, is another topic by the same name,
    or the site deleted it.

    Args:
        client: the settings that lead to the site's cluster.
        target: the site's topic as it is now.
        cluster_id: the centre's, whose records count.
        topic_id: which of its topics counts.

    Raises:
        RetryableError: the site does not answer.
    """
    consumer = Consumer(
        {
            **client,
            "group.id": "watchpost-bridge-downlink",  # assign() joins no group, librdkafka wants a name nevertheless
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "auto.offset.reset": "error",
            # what others write there in transactions must not hide the end
            "isolation.level": "read_uncommitted",
        }
    )
    try:
        found: dict[int, int] = {}
        back = _FIRST_BACK
        # backwards in ever longer stretches: what lies far behind is asked for only where nothing nearer tells
        left = {partition: held.high for partition, held in target.partitions.items() if held.low < held.high}
        while left:
            starts = {partition: max(target.partitions[partition].low, end - back) for partition, end in left.items()}
            found |= _read(consumer, target.name, starts, left, (cluster_id.encode(), topic_id.encode()))
            left = {
                partition: start
                for partition, start in starts.items()
                if partition not in found and start > target.partitions[partition].low
            }
            back *= _FURTHER
        return found
    finally:
        consumer.close()


def _read(
    consumer: Consumer, topic: str, starts: Mapping[int, int], ends: Mapping[int, int], origin: tuple[bytes, bytes]
) -> dict[int, int]:
    """What the records between `starts` and `ends` say, the last of each partition."""
    found: dict[int, int] = {}
    left = dict(ends)
    deadline = time.monotonic() + _PATIENCE_S
    with patiently(f"reading {topic}"):
        consumer.assign([TopicPartition(topic, partition, start) for partition, start in starts.items()])
        while left:
            if time.monotonic() > deadline:
                raise RetryableError(f"{topic} could not be read back: partitions {sorted(left)} do not arrive")
            for message in consumer.consume(_CHUNK_RECORDS, 0.2):
                partition = message.partition() or 0
                if message.error() is None and partition in left and (message.offset() or 0) < left[partition]:
                    next_offset = _next_offset(message, origin)
                    if next_offset is not None:
                        found[partition] = next_offset
                if _reached(message, topic) >= left.get(partition, 0):
                    left.pop(partition, None)
    return found


def _next_offset(message: Message, origin: tuple[bytes, bytes]) -> int | None:
    headers = dict(headers_of(message))
    if (headers.get(SourceHeader.CLUSTER.value), headers.get(SourceHeader.TOPIC_ID.value)) != origin:
        return None
    return int(headers[SourceHeader.OFFSET.value]) + 1


def _reached(message: Message, topic: str) -> int:
    """The offset reached with `message`, which may be the end of the partition or an error that passes."""
    error = message.error()
    if error is None:
        return (message.offset() or 0) + 1
    if error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001  (its public name for a local error code)
        return message.offset() or 0
    if error.retriable() or error.code() == KafkaError.GROUP_AUTHORIZATION_FAILED:
        return 0
    raise reason_to_wait(error, f"reading {topic}")
