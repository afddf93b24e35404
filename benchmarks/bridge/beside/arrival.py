"""When records become visible at the centre to who reads read_committed, seen without reading them.

A reader would share the machine's cores with what is measured. The last stable offset of each partition moves when a
transaction ends, and costs one small request to ask for. It counts transactions' markers too, so the records are
counted by reading when nothing moves any more.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from confluent_kafka import OFFSET_BEGINNING, Consumer, IsolationLevel, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

__all__ = ["Arrival", "watch_arrival"]

_LOOK_EVERY_S = 0.05
_QUIET_S = 3.0
# partitions that were made a moment ago
_NO_LEADER_YET = {
    KafkaError.NOT_LEADER_FOR_PARTITION,
    KafkaError.LEADER_NOT_AVAILABLE,
    KafkaError.UNKNOWN_TOPIC_OR_PART,
}
_LATEST = OffsetSpec.latest()  # type: ignore[no-untyped-call]  # this one of the client lacks annotations


@dataclass(frozen=True, slots=True)
class Arrival:
    """Moments of `time.monotonic()` (50 ms apart at best), and how many records and bytes of values were there."""

    first_s: float
    last_s: float
    records: int
    size_bytes: int


def watch_arrival(
    bootstrap: str, topics: dict[str, int], records: int, within_s: float, seen: Callable[[int], None]
) -> Arrival:
    """Return when `records` have arrived in `topics` (name and partitions) and nothing moves any more.

    Args:
        bootstrap: the centre, directly.
        topics: what to watch.
        records: how many are to come.
        within_s: how long that may take.
        seen: is told the sum of the offsets now and then.

    Raises:
        TimeoutError: they did not arrive in time; says how far it came.
    """
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
    places = [TopicPartition(name, number) for name, count in topics.items() for number in range(count)]
    first_s = last_s = 0.0
    reached, deadline_s = 0, time.monotonic() + within_s
    while time.monotonic() < deadline_s:
        now_reached, now_s = _stable(admin, places), time.monotonic()
        if now_reached > reached:
            first_s, last_s, reached = first_s or now_s, now_s, now_reached
            seen(reached)
        elif reached >= records and now_s - last_s > _QUIET_S:
            count, size_bytes = _read(bootstrap, places)
            if count >= records:
                return Arrival(first_s, last_s, count, size_bytes)
            last_s = now_s  # look again only after another quiet while
        time.sleep(_LOOK_EVERY_S)
    count, _ = _read(bootstrap, places)
    raise TimeoutError(f"expected {records} records at the centre within {within_s:g} s, found {count}")


def _stable(admin: AdminClient, places: list[TopicPartition]) -> int:
    asked = admin.list_offsets(
        dict.fromkeys(places, _LATEST), isolation_level=IsolationLevel.READ_COMMITTED, request_timeout=10
    )
    try:
        return sum(int(future.result().offset) for future in asked.values())
    except KafkaException as error:
        if error.args[0].code() not in _NO_LEADER_YET:
            raise
        return 0


def _read(bootstrap: str, places: list[TopicPartition]) -> tuple[int, int]:
    """How many records a careful reader finds, and their values' bytes."""
    reader = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "bench-bridge",
            "isolation.level": "read_committed",
            "enable.auto.commit": False,
            "queued.max.messages.kbytes": 32_768,
            "log_level": 0,
        }
    )
    reader.assign([TopicPartition(place.topic, place.partition, OFFSET_BEGINNING) for place in places])
    count = size_bytes = 0
    while messages := reader.consume(5000, 1.5):
        good = [message for message in messages if message.error() is None]
        count += len(good)
        size_bytes += sum(len(message.value() or b"") for message in good)
    reader.close()
    return count, size_bytes
