"""Decides from where each partition is read when the api starts: a short past, not all that a topic holds."""

from collections.abc import Sequence
from dataclasses import dataclass

from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

from watchpost.contracts import TopicName
from watchpost.stream import watermarks_at_once

__all__ = ["Start", "starting_points"]

# of each partition; None: all of it
_PAST_RECORDS: dict[str, int | None] = {
    TopicName.CAMERAS.value: None,
    TopicName.OBSERVATIONS.value: 0,
    TopicName.EVENTS.value: 1000,
    TopicName.THUMBNAILS.value: 50,
}


@dataclass(frozen=True, slots=True)
class Start:
    """Where reading begins, and up to where the past goes, by topic and partition; what was read up to is taken out."""

    begins: dict[tuple[str, int], int]
    ends: dict[tuple[str, int], int]

    def points(self) -> list[TopicPartition]:
        """Where reading begins, as an assignment."""
        return [TopicPartition(topic, partition, offset) for (topic, partition), offset in self.begins.items()]

    def unread(self) -> list[TopicPartition]:
        """The partitions whose past is not read yet."""
        return [TopicPartition(topic, partition) for topic, partition in self.ends]

    def passed(self, positions: Sequence[TopicPartition]) -> None:
        """Reading is at these positions.

        Positions, not records: compaction and aborted transactions leave no record at the end.
        """
        for position in positions:
            if position.offset >= self.ends[position.topic, position.partition]:
                del self.ends[position.topic, position.partition]


def starting_points(consumer: Consumer) -> Start:
    """From where to read every partition of the site's topics.

    Raises:
        RetryableError: a topic is not there, or the cluster does not answer.
    """
    begins: dict[tuple[str, int], int] = {}
    ends: dict[tuple[str, int], int] = {}
    for topic, past_records in _PAST_RECORDS.items():
        for partition, (low, high) in watermarks_at_once(consumer, topic).items():
            first = low if past_records is None else max(low, high - past_records)
            begins[topic, partition] = OFFSET_BEGINNING if past_records is None else first
            if first < high:
                ends[topic, partition] = high
    return Start(begins, ends)
