"""Writes records to the centre together with what makes them whole: their writers' schemas, and the checkpoint."""

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from watchpost.bridge.checkpoints import Checkpoints
from watchpost.bridge.envelope import CentralClock, Outgoing
from watchpost.bridge.lanes import Lane
from watchpost.bridge.registry import SchemaRegistry
from watchpost.bridge.transactions import Transactions
from watchpost.bridge.uplink import Turn
from watchpost.bridge.writer_schemas import WriterSchemas
from watchpost.contracts import TopicName, encode, to_confluent
from watchpost.contracts.records import SourcePosition

__all__ = ["Delivery"]


@dataclass(frozen=True, slots=True)
class Delivery:
    """One lane's deliveries, each a transaction."""

    lane: Lane
    checkpoints: Checkpoints
    schemas: WriterSchemas
    registry: SchemaRegistry | None
    transactions: Transactions
    clock: CentralClock

    def deliver(
        self,
        records: Sequence[Outgoing],
        cluster_id: str,
        positions: Iterable[SourcePosition],
        over: threading.Event,
        turn: Turn | None = None,
    ) -> bool:
        """Write `records` and the checkpoint that counts them; the schemas that the centre lacks go first.

        `turn`: a place in the queue for the link; without one it goes at once.

        Returns:
            Whether it is committed; False when `over` was set before that was known.

        Raises:
            RetryableError: nothing was written.
            FencedError: this bridge must write nothing more.
        """
        checkpoint = encode(self.checkpoints.saying(self.lane, cluster_id, positions))
        now_ms = self.clock.now_ms()
        schemas = self.schemas.not_yet_published([checkpoint, *(record.value for record in records)])
        published = [
            Outgoing(TopicName.SCHEMAS, schema.fingerprint.encode(), schema.text.encode(), (), now_ms)
            for schema in schemas
        ]
        last = Outgoing(self.checkpoints.topic, self.lane.name.encode(), checkpoint, (), now_ms)
        if not self.transactions.write([*published, *self._as_the_centre_reads(records)], last, over, turn):
            return False
        self.schemas.published(schemas)
        return True

    def _as_the_centre_reads(self, records: Sequence[Outgoing]) -> Sequence[Outgoing]:
        """With a registry, the same bodies under Confluent's header."""
        registry = self.registry
        if registry is None:
            return records

        def number_of(record: Outgoing) -> int:
            return registry.number_of(record.topic, self.schemas.of(record.value))

        return [record._replace(value=to_confluent(record.value, number_of(record))) for record in records]
