"""What either cluster says of itself: who it is, which topics it has, and which offsets they hold."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from confluent_kafka import IsolationLevel, KafkaError, KafkaException, TopicCollection, TopicPartition, Uuid
from confluent_kafka.admin import AdminClient, NewTopic, OffsetSpec, TopicDescription

from watchpost.bridge.patience import patiently
from watchpost.bridge.resumption import OffsetRange, SourceTopic
from watchpost.errors import RetryableError

__all__ = ["Cluster"]

# also the longest that a call keeps a stopping bridge from its end
_TIMEOUT_S = 3.0
_ANSWER_WITHIN_S = _TIMEOUT_S + 0.5

_EARLIEST = OffsetSpec.earliest()  # type: ignore[no-untyped-call]  # these two of the client lack annotations
_LATEST = OffsetSpec.latest()  # type: ignore[no-untyped-call]


class Cluster:
    """A Kafka cluster, asked afresh at each call.

    Every method raises RetryableError when the cluster does not answer within 3 s, or refuses.

    Args:
        client: the settings that lead to it.
        name: "site" or "central", for messages.
    """

    def __init__(self, client: Mapping[str, Any], name: str) -> None:
        self._client = dict(client)
        self._admin = AdminClient(self._client)
        self._name = name

    def cluster_id(self) -> str:
        """The id that the cluster's storage was formatted with."""
        with self._asking(f"asking the {self._name} cluster for its id"):
            described = self._admin.describe_cluster(request_timeout=_TIMEOUT_S)
            return str(described.result(_ANSWER_WITHIN_S).cluster_id)

    def topic_id(self, topic: str) -> str:
        """The topic's id: another one means that the topic was made anew.

        Raises:
            RetryableError: there is no such topic (yet), besides.
        """
        return _shown(self._describe(topic).topic_id)

    def describe(self, topic: str) -> SourceTopic:
        """The topic with its id and the offsets that it holds now."""
        described = self._describe(topic)
        partitions = [TopicPartition(topic, info.id) for info in described.partitions]
        lows = self._offsets(dict.fromkeys(partitions, _EARLIEST))
        highs = self._offsets(dict.fromkeys(partitions, _LATEST))
        ranges = {partition: OffsetRange(low, highs[partition]) for partition, low in lows.items()}
        return SourceTopic(topic, _shown(described.topic_id), ranges)

    def ends_of(self, topic: str, partitions: Iterable[int]) -> dict[int, int]:
        """The high watermarks, open transactions included: nothing written before now lies beyond them."""
        return self._offsets({TopicPartition(topic, partition): _LATEST for partition in partitions})

    def first_since(self, topic: str, partitions: Iterable[int], since_ms: int) -> dict[int, int | None]:
        """The first offset of each that was written at this time or later; None where there is none."""
        return self.first_since_each(topic, dict.fromkeys(partitions, since_ms))

    def first_since_each(self, topic: str, since_ms: Mapping[int, int]) -> dict[int, int | None]:
        """The same, with a time for each partition."""
        # what is negative means something else to Kafka: the end, the beginning
        asked = {
            TopicPartition(topic, partition): OffsetSpec.for_timestamp(max(0, each_ms))
            for partition, each_ms in since_ms.items()
        }
        found = self._offsets(asked)
        return {partition: None if offset < 0 else offset for partition, offset in found.items()}

    def create(self, topic: str, partitions: int, replication: int, settings: Mapping[str, str]) -> None:
        """Make `topic` unless it exists."""
        wanted = NewTopic(topic, partitions, replication, config=dict(settings))
        try:
            with self._asking(f"creating {topic}"):
                made = self._admin.create_topics([wanted], request_timeout=_TIMEOUT_S, operation_timeout=_TIMEOUT_S)
                made[topic].result(_ANSWER_WITHIN_S)
        except RetryableError as error:
            if not _caused_by(error, KafkaError.TOPIC_ALREADY_EXISTS):
                raise

    def _describe(self, topic: str) -> TopicDescription:
        with self._asking(f"describing {topic} of the {self._name} cluster"):
            described = self._admin.describe_topics(TopicCollection([topic]), request_timeout=_TIMEOUT_S)
            result: TopicDescription = described[topic].result(_ANSWER_WITHIN_S)
            return result

    def _offsets(self, asked: Mapping[TopicPartition, OffsetSpec]) -> dict[int, int]:
        if not asked:
            return {}
        try:
            return self._ask_for_offsets(asked)
        except RetryableError as error:
            if not _caused_by(error, KafkaError.FENCED_LEADER_EPOCH, KafkaError.UNKNOWN_LEADER_EPOCH):
                raise
            # the client asks with the leader epochs that it knows, and does not learn by the answer that they are over
            # (librdkafka 2.16; for as long as was tried after a broker's restart): a new one asks afresh
            self._admin = AdminClient(self._client)
            return self._ask_for_offsets(asked)

    def _ask_for_offsets(self, asked: Mapping[TopicPartition, OffsetSpec]) -> dict[int, int]:
        with self._asking(f"asking the {self._name} cluster for offsets"):
            futures = self._admin.list_offsets(
                dict(asked),
                # read_committed would give the end without open transactions: what they hold back would be passed by
                isolation_level=IsolationLevel.READ_UNCOMMITTED,
                request_timeout=_TIMEOUT_S,
            )
            return {
                partition.partition: int(future.result(_ANSWER_WITHIN_S).offset)
                for partition, future in futures.items()
            }

    @contextmanager
    def _asking(self, doing: str) -> Iterator[None]:
        try:
            with patiently(doing):
                yield
        except RetryableError as error:
            # a connection that fell silent without an end stays the client's for 60 s (`socket.timeout.ms`): after 20 s
            # of a half-open link that was 54 s to recover in, with a new client 8 s
            if _caused_by(error, KafkaError._TIMED_OUT):  # noqa: SLF001  (its public name for a local error code)
                self._admin = AdminClient(self._client)
            raise
        except TimeoutError as error:
            # a request that meets a broker's restart is at times never answered, its own timeout notwithstanding
            # (list_offsets, librdkafka 2.16): a new client asks afresh
            self._admin = AdminClient(self._client)
            raise RetryableError(f"{doing}: no answer within {_ANSWER_WITHIN_S:g} s") from error


def _shown(topic_id: Uuid) -> str:
    """As Kafka's own tools write it: the client shows the other alphabet of base64."""
    return str(topic_id).replace("+", "-").replace("/", "_")


def _caused_by(error: Exception, *codes: int) -> bool:
    cause = error.__cause__
    return isinstance(cause, KafkaException) and cause.args[0].code() in codes
