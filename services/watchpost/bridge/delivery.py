"""Writes records to the centre together with what makes them whole: their writers' schemas, and the checkpoint."""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from watchpost.bridge.checkpoints import Checkpoints
from watchpost.bridge.envelope import CentralClock, Outgoing
from watchpost.bridge.lanes import Lane
from watchpost.bridge.registry import SchemaRegistry
from watchpost.bridge.transactions import Transactions
from watchpost.bridge.uplink import Turn
from watchpost.bridge.writer_schemas import WriterSchemas
from watchpost.contracts import RecordSchema, TopicName, encode, shipped_schemas, to_confluent
from watchpost.contracts.records import BridgeCheckpoint, SourcePosition

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
        records: Iterable[Sequence[Outgoing]],
        cluster_id: str,
        positions: Callable[[], Iterable[SourcePosition]],
        over: threading.Event,
        turn: Turn | None = None,
    ) -> bool:
        """Write `records` and the checkpoint that counts them; the schemas that the centre lacks go before them.

        Args:
            records: handful by handful, each asked for when the one before was handed to the client.
            cluster_id: where they come from.
            positions: what the checkpoint says, asked for when all were handed to the client.
            over: gives up.
            turn: a place in the queue for the link; without one it goes at once.

        Returns:
            Whether it is committed; False when `over` was set before that was known.

        Raises:
            RetryableError: nothing was written.
            FencedError: this bridge must write nothing more.
        """
        schemas: list[RecordSchema] = []

        def last() -> Outgoing:
            return self._checkpoint(cluster_id, positions())

        if not self.transactions.write(self._whole(records, schemas), last, over, turn):
            return False
        self.schemas.published(schemas)
        return True

    def _checkpoint(self, cluster_id: str, positions: Iterable[SourcePosition]) -> Outgoing:
        value = encode(self.checkpoints.saying(self.lane, cluster_id, positions))
        return Outgoing(self.checkpoints.topic, self.lane.name.encode(), value, (), self.clock.now_ms())

    def _whole(
        self, records: Iterable[Sequence[Outgoing]], schemas: list[RecordSchema]
    ) -> Iterator[Sequence[Outgoing]]:
        """`records`, each handful behind the schemas that it needs and the centre lacks; `schemas` collects those."""
        yield self._lacking([shipped_schemas().latest(BridgeCheckpoint.__name__)], schemas)
        for some in records:
            yield self._lacking(self.schemas.written_with(record.value for record in some), schemas)
            yield self._as_the_centre_reads(some)

    def _lacking(self, needed: Iterable[RecordSchema], schemas: list[RecordSchema]) -> Sequence[Outgoing]:
        lacking = [schema for schema in self.schemas.not_published(needed) if schema not in schemas]
        schemas += lacking
        now_ms = self.clock.now_ms()
        return [
            Outgoing(TopicName.SCHEMAS, schema.fingerprint.encode(), schema.text.encode(), (), now_ms)
            for schema in lacking
        ]

    def _as_the_centre_reads(self, records: Sequence[Outgoing]) -> Sequence[Outgoing]:
        """With a registry, the same bodies under Confluent's header."""
        registry = self.registry
        if registry is None:
            return records

        def number_of(record: Outgoing) -> int:
            return registry.number_of(record.topic, self.schemas.of(record.value))

        return [record._replace(value=to_confluent(record.value, number_of(record))) for record in records]
