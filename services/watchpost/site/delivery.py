"""What arrived of what happened: the site's and the centre's events, compared record by record."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, Message, TopicPartition
from confluent_kafka.admin import AdminClient

from watchpost.contracts import TopicName, decode
from watchpost.contracts.records import EventChanged
from watchpost.errors import RetryableError
from watchpost.stream import value_of, watermarks
from watchpost.stream.kafka_errors import kafka_errors_mapped

__all__ = ["Delivery", "compare_events", "end_offsets", "group_lag_records", "read_topic"]

_TIMEOUT_S = 10.0
_SILENCE_POLLS = 20
ValueT = TypeVar("ValueT")


@dataclass(frozen=True, slots=True)
class Delivery:
    """Events by (event_id, revision): how many happened, how many are at the centre, lost, and there twice."""

    site: int
    central: int
    lost: int
    duplicated: int


def compare_events(site: Mapping[str, Any], central: Mapping[str, Any]) -> Delivery:
    """Read both events topics whole and compare them.

    A revision that the site itself wrote twice (a replay after a crash) is one event; twice at the centre is a fault.
    """
    happened = set(read_topic(site, TopicName.EVENTS, _identity))
    arrived = Counter(read_topic(central, TopicName.EVENTS, _identity))
    repeats = sum(count - 1 for count in arrived.values())
    return Delivery(len(happened), len(arrived), len(happened - arrived.keys()), repeats)


def read_topic(client: Mapping[str, Any], topic: str, parse: Callable[[Message], ValueT]) -> Iterator[ValueT]:
    """Every committed record of `topic` that is there now, parsed.

    Raises:
        RetryableError: the cluster stopped answering before the end was reached.
    """
    consumer = Consumer(
        {**client, "group.id": "watchpost-delivery", "enable.auto.commit": False, "isolation.level": "read_committed",
         "enable.partition.eof": True, "auto.offset.reset": "earliest"}
    )  # fmt: skip
    try:
        ends = _ends(consumer, topic)
        consumer.assign([TopicPartition(topic, partition, 0) for partition in ends])
        unfinished, silence = {partition for partition, end in ends.items() if end}, 0
        while unfinished:
            message = consumer.poll(0.5)
            if message is None:
                silence += 1
                if silence > _SILENCE_POLLS:
                    raise RetryableError(f"{topic}: the cluster fell silent with {len(unfinished)} partitions unread")
                continue
            partition = message.partition() or 0
            if message.error() is not None:
                unfinished.discard(partition)  # the end of a partition is reported as an error
                continue
            # both signs are needed: where somebody goes on writing no end is reported, and where a transaction's
            # marker stands last no record has the last offset
            if (message.offset() or 0) + 1 >= ends[partition]:
                unfinished.discard(partition)
            yield parse(message)
    finally:
        consumer.close()


def end_offsets(client: Mapping[str, Any], topic: str) -> int:
    """How many records were ever written to `topic` (by producers without transactions)."""
    consumer = Consumer({**client, "group.id": "watchpost-delivery"})
    try:
        return sum(_ends(consumer, topic).values())
    finally:
        consumer.close()


def _ends(consumer: Consumer, topic: str) -> dict[int, int]:
    """The offset behind the last record of each partition, as of now."""
    return {partition: high for partition, (_, high) in watermarks(consumer, topic).items()}


def group_lag_records(client: Mapping[str, Any], group: str, topic: str) -> int:
    """How many records of `topic` the consumer group has not committed yet."""
    admin = AdminClient(dict(client))
    with kafka_errors_mapped(f"asking for the offsets of {group}"):
        asked = admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)], request_timeout=_TIMEOUT_S)
        committed = asked[group].result(_TIMEOUT_S + 1).topic_partitions or []
    done: int = sum(max(0, partition.offset) for partition in committed if partition.topic == topic)
    return end_offsets(client, topic) - done


def _identity(message: Message) -> tuple[str, int]:
    event = decode(value_of(message) or b"", EventChanged)
    return event.event_id, event.revision
