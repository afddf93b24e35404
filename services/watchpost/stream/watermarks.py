"""Says what a topic holds now, also of a broker that has only just come back and does not lead its partitions yet."""

import time

from confluent_kafka import Consumer, TopicPartition

from watchpost.errors import RetryableError
from watchpost.stream.kafka_errors import kafka_errors_mapped

__all__ = ["watermarks", "watermarks_at_once"]

_CALL_S = 10.0
_RETRY_S = 0.2


def watermarks(consumer: Consumer, topic: str, within_s: float = 30.0) -> dict[int, tuple[int, int]]:
    """The first offset of each partition, and the one behind its last record; asked for until they are known.

    Raises:
        RetryableError: the cluster did not answer for all of them in time.
    """
    deadline_s = time.monotonic() + within_s
    while True:
        try:
            return watermarks_at_once(consumer, topic)
        except RetryableError:
            if time.monotonic() > deadline_s:
                raise
            time.sleep(_RETRY_S)


def watermarks_at_once(consumer: Consumer, topic: str) -> dict[int, tuple[int, int]]:
    """The same, asked for once.

    Raises:
        RetryableError: the topic is not there, or the cluster does not answer.
    """
    with kafka_errors_mapped(f"asking for the ends of {topic}"):
        found = consumer.list_topics(topic, timeout=_CALL_S).topics[topic]
        if found.error is not None or not found.partitions:
            raise RetryableError(f"this Kafka has no {topic}; `watchpost topics apply` creates it")
        return {number: _of(consumer, TopicPartition(topic, number)) for number in found.partitions}


def _of(consumer: Consumer, partition: TopicPartition) -> tuple[int, int]:
    marks = consumer.get_watermark_offsets(partition, timeout=_CALL_S)
    if marks is None:  # the client's way to say that its timeout is over
        raise RetryableError(f"{partition.topic} did not tell its ends within {_CALL_S:g} s")
    low, high = marks
    return low, high
