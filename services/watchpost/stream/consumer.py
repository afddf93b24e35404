"""Kafka into typed records, committed only when whoever took them says so.

with RecordConsumer(client, group="watchpost-inference", topics={TopicName.FRAMES: FrameCaptured}, …) as frames:
    while not stop.is_set():
        batch = frames.take(max_records=8, wait_ms=20)
        …                       # work, send, flush
        frames.commit()         # after every output was acknowledged

Who works on records while others come commits what is done with `frames.commit(unanswered=…)`.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

import structlog
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Message, TopicPartition

from watchpost.contracts import decode
from watchpost.contracts.records import Record
from watchpost.errors import ContractError, RetryableError
from watchpost.stream.dead_letters import DeadLetters
from watchpost.stream.kafka_errors import kafka_errors_mapped
from watchpost.stream.messages import Header, headers_of, key_of, value_of

__all__ = ["Received", "RecordConsumer"]

RecordT = TypeVar("RecordT", bound=Record)
PartitionsChanged = Callable[[str, frozenset[int]], None]

_LOG = structlog.get_logger()
_FIRST_WAIT_MS = 500
_REBALANCE_TIMEOUT_S = 10.0
# the group is being shared out anew: what this commit was about belongs to somebody else, or will in a moment
_REBALANCING = (
    KafkaError.REBALANCE_IN_PROGRESS,
    KafkaError.ILLEGAL_GENERATION,
    KafkaError.UNKNOWN_MEMBER_ID,
)


@dataclass(frozen=True, slots=True)
class Received(Generic[RecordT]):
    """A record with where it stood. `record` is None for a tombstone.

    A record with `warm_up` was committed before: it rebuilds what its reader remembers, and gives no output.
    """

    record: RecordT | None
    key: str
    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    headers: tuple[Header, ...]
    warm_up: bool = False


class RecordConsumer(Generic[RecordT]):
    """A member of a consumer group (classic protocol, range assignor, 10 s session) that buries what it cannot read.

    Args:
        client: `client_config(…)` of the cluster.
        group: the consumer group.
        topics: which record each topic carries.
        dead_letters: where unreadable records go.
        from_beginning: topics that are read from their beginning at each assignment (compacted truths).
        warm_up: how much of what was committed already is read again at each assignment.
        on_assigned, on_revoked: told the topic and the partitions, inside `take()`.
    """

    def __init__(  # noqa: PLR0913  (a consumer is what these say; a settings object would only hide them)
        self,
        client: Mapping[str, Any],
        *,
        group: str,
        topics: Mapping[str, type[RecordT]],
        dead_letters: DeadLetters,
        from_beginning: frozenset[str] = frozenset(),
        warm_up: timedelta = timedelta(0),
        on_assigned: PartitionsChanged | None = None,
        on_revoked: PartitionsChanged | None = None,
    ) -> None:
        self._topics = topics
        self._dead_letters = dead_letters
        self._from_beginning = from_beginning
        self._warm_up = warm_up
        self._committed: dict[tuple[str, int], int] = {}
        self._on_assigned = on_assigned
        self._on_revoked = on_revoked
        self._handed_out: dict[tuple[str, int], int] = {}
        self._taking: list[Received[RecordT]] = []
        self._consumer = Consumer(
            {
                **client,
                "group.id": group,
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
                "partition.assignment.strategy": "range",
                "session.timeout.ms": 10_000,
                "heartbeat.interval.ms": 3_000,
                "isolation.level": "read_committed",
            }
        )
        self._consumer.subscribe(list(topics), on_assign=self._assigned, on_revoke=self._revoked, on_lost=self._revoked)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._consumer.close()

    def take(self, max_records: int, wait_ms: int, first_wait_ms: int = _FIRST_WAIT_MS) -> list[Received[RecordT]]:
        """Up to `max_records`: the first is waited for up to `first_wait_ms`, the others up to `wait_ms` more.

        Raises:
            RetryableError: the cluster reports an error that may pass.
        """
        self._taking = []
        # one after the other: partitions that leave with the second call take with them what the first brought
        if self._took(1, first_wait_ms) and max_records > 1:
            self._took(max_records - 1, wait_ms)
        return self._taking

    def commit(self, unanswered: Iterable[Received[RecordT]] = ()) -> None:
        """Commit what was taken so far, in each partition up to the first of `unanswered`.

        Call it when all that came of the others is acknowledged. While the group is shared out anew nothing is
        committed: the records come again, to whom they belong then.

        Args:
            unanswered: all records that were taken and are not dealt with yet. A warm-up's are passed over.

        Raises:
            RetryableError: the commit did not succeed.
        """
        if not self._handed_out:
            return
        done = self._handed_out.copy()
        for received in unanswered:
            place = received.topic, received.partition
            if place in done and not received.warm_up:
                done[place] = min(done[place], received.offset)
        offsets = [TopicPartition(topic, partition, offset) for (topic, partition), offset in done.items()]
        try:
            self._consumer.commit(offsets=offsets, asynchronous=False)
        except KafkaException as error:
            if error.args[0].code() not in _REBALANCING:
                raise RetryableError(f"offsets were not committed: {error}") from error
            _LOG.info("nothing_committed", reason="the group is shared out anew", partitions=len(offsets))
        else:
            self._handed_out = {place: end for place, end in self._handed_out.items() if end > done[place]}

    def lag_records(self) -> int:
        """How many records of the assigned partitions have not been taken yet, as of the last fetches."""
        lag = 0
        for position in self._consumer.position(self._consumer.assignment()):
            _, high = self._consumer.get_watermark_offsets(position, cached=True)
            lag += max(0, high - position.offset) if position.offset >= 0 else 0
        return lag

    def _took(self, max_records: int, wait_ms: int) -> bool:
        with kafka_errors_mapped("reading"):
            messages = self._consumer.consume(max_records, wait_ms / 1000)
        for message in messages:
            read = self._read(message)
            if read is not None:
                self._taking.append(read)
        return bool(messages)

    def _read(self, message: Message) -> Received[RecordT] | None:
        error = message.error()
        if error is not None:
            if error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001  (its public name for a local error code)
                return None
            raise RetryableError(f"Kafka: {error.str()}")
        topic, partition, offset = message.topic() or "", message.partition() or 0, message.offset() or 0
        warm_up = offset < self._committed.get((topic, partition), 0)
        if not warm_up:
            self._handed_out[topic, partition] = offset + 1
        value = value_of(message)
        try:
            record = None if value is None else decode(value, self._topics[topic])
            key = (key_of(message) or b"").decode()
        except (ContractError, UnicodeDecodeError) as unreadable:
            self._dead_letters.bury(message, str(unreadable))
            return None
        self._dead_letters.readable()
        timestamp_ms = message.timestamp()[1]
        return Received(record, key, topic, partition, offset, timestamp_ms, tuple(headers_of(message)), warm_up)

    def _assigned(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        for partition in partitions:
            if partition.topic in self._from_beginning:
                # committed offsets would hide the specs of cameras that nobody changed lately
                partition.offset = OFFSET_BEGINNING
        if self._warm_up:
            self._step_back(consumer, partitions)
        consumer.assign(partitions)
        _tell(self._on_assigned, partitions)

    def _step_back(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        """Start `warm_up` earlier than committed, remembering where what is new begins."""
        since_ms = int((time.time() - self._warm_up.total_seconds()) * 1000)
        asked = [TopicPartition(part.topic, part.partition, since_ms) for part in partitions]
        try:
            committed = consumer.committed(partitions, timeout=_REBALANCE_TIMEOUT_S)
            earlier = consumer.offsets_for_times(asked, timeout=_REBALANCE_TIMEOUT_S)
        except KafkaException as error:
            # a topic that was made a moment ago has no leaders yet: it holds nothing to remember either
            _LOG.warning("nothing is read again to remember by", reason=str(error))
            return
        for partition, done, early in zip(partitions, committed, earlier, strict=True):
            if done.offset > 0 and 0 <= early.offset < done.offset:
                self._committed[partition.topic, partition.partition] = done.offset
                partition.offset = early.offset

    def _revoked(self, _consumer: Consumer, partitions: list[TopicPartition]) -> None:
        gone = {(partition.topic, partition.partition) for partition in partitions}
        for place in gone:
            self._handed_out.pop(place, None)
            self._committed.pop(place, None)
        self._taking = [received for received in self._taking if (received.topic, received.partition) not in gone]
        _tell(self._on_revoked, partitions)


def _tell(listener: PartitionsChanged | None, partitions: list[TopicPartition]) -> None:
    if listener is None:
        return
    for topic in {partition.topic for partition in partitions}:
        listener(topic, frozenset(part.partition for part in partitions if part.topic == topic))
