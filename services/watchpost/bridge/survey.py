"""Finds out where a lane stands before it sets out: what the centre has, and what the site still holds of it."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import structlog
from confluent_kafka import Message

from watchpost.bridge.admission import READ, WRITE, require_admission
from watchpost.bridge.ends import Ends
from watchpost.bridge.history import read_history
from watchpost.bridge.lanes import Lane
from watchpost.bridge.naming import Namer
from watchpost.bridge.repeats import RepeatWindow
from watchpost.bridge.resumption import Break, SourceTopic, resumed, without_strangers
from watchpost.bridge.writer_schemas import WriterSchemas
from watchpost.contracts import TopicName
from watchpost.contracts.records import SourcePosition
from watchpost.errors import ContractError, RetryableError
from watchpost.stream import value_of

__all__ = ["Surveyor"]

_LOG = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Surveyor:
    """Surveys one lane. Every call raises RetryableError when a cluster does not answer."""

    lane: Lane
    ends: Ends
    schemas: WriterSchemas

    def require_topics(self) -> None:
        """Raise RetryableError with a remedy where the centre lacks or refuses what this lane reads and writes."""
        both = frozenset({READ, WRITE})
        wanted = {self.lane.topic.value: frozenset({WRITE}), TopicName.EVENTS.value: frozenset({WRITE})}
        require_admission(
            self.ends.central_client, {**wanted, TopicName.SCHEMAS.value: both, self.ends.checkpoints.topic: both}
        )

    def checkpoint(self) -> tuple[str, dict[int, SourcePosition]]:
        """The site's cluster id, and how far the centre has each partition of the lane; nothing before the first start.

        Raises:
            RetryableError: the checkpoint is another cluster's, besides.
        """
        cluster_id = self.ends.site_cluster.cluster_id()
        checkpoint = self.ends.checkpoints.last_of(self.lane)
        if checkpoint is not None and checkpoint.source_cluster_id != cluster_id:
            raise RetryableError(
                f"the centre knows site {self.ends.site} as Kafka cluster {checkpoint.source_cluster_id}, but this is "
                f"cluster {cluster_id}: two machines have one site's name, or the disk was replaced; give this site "
                "another name, or run `watchpost bridge adopt` if it takes the other's place for good"
            )
        known = () if checkpoint is None else checkpoint.positions
        return cluster_id, {place.partition: place for place in known if place.topic == self.lane.topic}

    def resume(
        self, known: Mapping[int, SourcePosition], windows: Mapping[int, RepeatWindow], over: threading.Event
    ) -> tuple[dict[int, SourcePosition], dict[int, RepeatWindow], tuple[Break, ...]]:
        """Where each partition goes on, what must not go twice, and the breaks that must be told before.

        Args:
            known: the checkpoint's positions.
            windows: what is still remembered of a partition is not read back again.
            over: ends the survey early.
        """
        topic = self._as_brought(known)
        size = max(1, self.lane.window_records // max(1, len(topic.partitions)))
        all_windows = {partition: windows.get(partition) or RepeatWindow(size) for partition in topic.partitions}
        cuts = read_history(
            self.ends.site_client, topic, known, size, self._remember_into(all_windows, frozenset(windows)), over
        )
        positions: dict[int, SourcePosition] = {}
        breaks: list[Break] = []
        for partition in sorted(topic.partitions):
            positions[partition], found = resumed(topic, partition, known.get(partition), cuts.get(partition))
            breaks += found
        return positions, all_windows, tuple(breaks)

    def _as_brought(self, known: Mapping[int, SourcePosition]) -> SourceTopic:
        """The topic as it is now, as far as it holds what was brought."""
        topic = self.ends.site_cluster.describe(self.lane.topic)
        later_than_ms = {
            partition: position.last_at_ms + 1
            for partition, position in known.items()
            if position.last_at_ms >= 0 and position.topic_id == topic.topic_id and partition in topic.partitions
        }
        later_from = self.ends.site_cluster.first_since_each(self.lane.topic, later_than_ms)
        return without_strangers(topic, known, later_from)

    def _remember_into(
        self, windows: Mapping[int, RepeatWindow], remembered: frozenset[int]
    ) -> Callable[[Message], None]:
        name = Namer(self.lane, self.schemas.known).named

        def remember(message: Message) -> None:
            partition = message.partition() or 0
            if partition in remembered:
                return
            try:
                identity = name(value_of(message) or b"").identity
            except ContractError as error:
                # it was sent once, by a bridge that could read it: it stays sent, but its repeats cannot be told
                _LOG.warning("a record that was sent cannot be read", partition=partition, error=str(error))
            else:
                windows[partition].remember((identity,))

        return remember
