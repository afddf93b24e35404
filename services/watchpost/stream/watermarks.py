"""Says what a topic holds now, also of a broker that has only just come back and does not lead its partitions yet."""

import time

from confluent_kafka import Consumer, TopicPartition

from watchpost.errors import RetryableError
from watchpost.stream.kafka_errors import kafka_errors_mapped

__all__ = ["watermarks"]

_CALL_S = 10.0
_RETRY_S = 0.2


def watermarks(consumer: Consumer, topic: str, within_s: float = 30.0) -> dict[int, tuple[int, int]]:
    """The first offset of each partition, and the one behind its last record.

    Raises:
        RetryableError: the cluster did not answer for all of them in time.
    """
    deadline_s = time.monotonic() + within_s
    while True:
        try:
            with kafka_errors_mapped(f"asking for the ends of {topic}"):
                partitions = consumer.list_topics(topic, timeout=_CALL_S).topics[topic].partitions
                asked = {number: TopicPartition(topic, number) for number in partitions}
                return {number: _of(consumer, part) for number, part in asked.items()}
        except RetryableError:
            if time.monotonic() > deadline_s:
                raise
            time.sleep(_RETRY_S)


def _of(consumer: Consumer, partition: TopicPartition) -> tuple[int, int]:
    low, high = consumer.get_watermark_offsets(partition, timeout=_CALL_S)
    return low, high
