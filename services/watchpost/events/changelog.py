"""The table of snapshots: RocksDB on this machine, filled from acknowledged changelog records and from nothing else."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import faust
from faust.stores import rocksdb
from faust.tables.manager import TableManager
from faust.types import TP, AppT, EventT, StoreT
from rocksdict import WriteBatch

from watchpost.errors import FencedError
from watchpost.events.faust_kafka import Outgoing, SureProducer
from watchpost.events.owed import newest_seen_us

__all__ = ["ROCKSDB_OPTIONS", "SnapshotTable", "Unsaved"]

# Faust's own (64 MB write buffers, 2 GB of cache) are meant per partition: 24 of them would fill an edge box
ROCKSDB_OPTIONS = {
    "write_buffer_size": 1 << 20,
    "max_write_buffer_number": 2,
    "target_file_size_base": 4 << 20,
    "block_cache_size": 1 << 20,
    "max_open_files": 64,
}


@dataclass(frozen=True, slots=True)
class Unsaved:
    """A snapshot on its way into the changelog."""

    partition: int
    key: bytes
    value: bytes


class SnapshotStore(rocksdb.Store):
    """RocksDB that is never ahead of the changelog and never goes back in time."""

    def keep(self, partition: int, offset: int, values: Mapping[bytes, bytes]) -> None:
        """Write acknowledged snapshots together with the changelog offset of the newest, as one."""
        batch = WriteBatch(raw_mode=True)
        for key, value in values.items():
            batch.put(key, value)
        batch.put(self.offset_key, str(offset).encode())
        self._db_for_partition(partition).write(batch)

    def apply_changelog_batch(
        self, batch: Iterable[EventT[Any]], to_key: Callable[[Any], Any], to_value: Callable[[Any], Any]
    ) -> None:
        """Recover: of each camera the snapshot with the newest frame stays.

        A worker that was frozen and has lost its partition may still write one late record of an older state.
        """
        del to_key, to_value  # keys and values are bytes already
        newest: defaultdict[int, dict[bytes, bytes]] = defaultdict(dict)
        offsets: dict[int, int] = {}
        for event in batch:
            message = event.message
            if TP(message.topic, message.partition) not in self.app.assignor.assigned_actives():
                continue
            key, value = cast("bytes", message.key), cast("bytes", message.value)
            offsets[message.partition] = message.offset
            known = newest[message.partition].get(key) or self._db_for_partition(message.partition).get(key)
            if known is None or newest_seen_us(value) >= newest_seen_us(known):
                newest[message.partition][key] = value
        for partition, offset in offsets.items():
            self.keep(partition, offset, newest[partition])


class SnapshotTable(faust.Table[bytes, bytes]):
    """Faust recovers it from its changelog; writing is `save`, which Faust's own `table[key] = value` is not."""

    def __init__(self, app: AppT, name: str, partitions: int) -> None:
        super().__init__(
            app,
            name=name,
            key_type=bytes,
            value_type=bytes,
            partitions=partitions,
            options=dict(ROCKSDB_OPTIONS),
            beacon=app.tables.beacon,
        )
        self._next_offsets: dict[int, int] = {}

    async def on_recovery_completed(self, active_tps: set[TP], standby_tps: set[TP]) -> None:
        """Remember where the changelog ended that was read: the next record there must be ours."""
        await super().on_recovery_completed(active_tps, standby_tps)
        ends = cast("TableManager", self.app.tables).recovery.active_highwaters
        self._next_offsets = {tp.partition: ends[tp] + 1 for tp in active_tps}

    async def save(self, snapshots: Sequence[Unsaved]) -> None:
        """Write `snapshots` to the changelog, wait for the acknowledgements, then to RocksDB.

        Raises:
            RetryableError: Kafka did not acknowledge one; nothing of it is in RocksDB.
            FencedError: somebody else writes to the same partition; nothing may be sent or committed any more.
        """
        if not snapshots:
            return
        producer = cast("SureProducer", self.app.producer)
        topic = self.changelog_topic.get_topic_name()
        written = await producer.deliver([Outgoing(topic, one.key, one.value, one.partition) for one in snapshots])
        values: defaultdict[int, dict[bytes, bytes]] = defaultdict(dict)
        for one, place in zip(snapshots, written, strict=True):
            self._follow(one.partition, place.offset)
            values[one.partition][one.key] = one.value
        for partition, kept in values.items():
            cast("SnapshotStore", self.data).keep(partition, self._next_offsets[partition] - 1, kept)

    def _follow(self, partition: int, offset: int) -> None:
        # one owner's records follow each other without a gap, the producer being idempotent and without transactions
        expected = self._next_offsets.get(partition)
        if offset != expected:
            raise FencedError(
                f"changelog partition {partition}: a record came to offset {offset} instead of {expected}; another "
                "worker owns these cameras by now, or did until a moment ago"
            )
        self._next_offsets[partition] = offset + 1

    def _new_store_by_url(self, url: Any) -> StoreT[bytes, bytes]:
        return SnapshotStore(
            url,
            self.app,
            self,
            table_name=self.name,
            key_type=self.key_type,
            value_type=self.value_type,
            key_serializer=self.key_serializer,
            value_serializer=self.value_serializer,
            options=self.options,
        )
