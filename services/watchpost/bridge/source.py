"""The site's side of a lane: reads one topic from positions that the centre knows, and from nowhere else."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from confluent_kafka import Consumer, Message, TopicPartition

from watchpost.bridge.lanes import Lane
from watchpost.bridge.patience import patiently
from watchpost.stream import value_of
from watchpost.stream.kafka_errors import passes_by_itself

__all__ = ["Source", "Taken"]

_FIRST_WAIT_S = 0.5
# a quiet moment ends a transaction: waiting longer would add to every event's way, for a few bytes saved
_QUIET_S = 0.01
# the client fetches while it is emptied: a busy machine must not take its pauses for the end of the log
_QUIET_BEHIND_S = 0.1

_FETCH_BYTES = 2_000_000
_FETCH_PARTITION_BYTES = 512 * 1024


@dataclass(frozen=True, slots=True)
class Taken:
    """What was read.

    `disturbed` says why the log must be looked at anew after `messages`, or is None. `is_full` means that more may
    be waiting.
    """

    messages: tuple[Message, ...]
    disturbed: str | None
    is_full: bool


class Source:
    """A consumer of one topic.

    Args:
        client: the settings that lead to the site's cluster, callbacks included.
        lane: what to read.
    """

    def __init__(self, client: Mapping[str, Any], lane: Lane) -> None:
        self._lane = lane
        self._config = {
            **client,
            # assign() joins no group, librdkafka wants a name nevertheless
            "group.id": f"watchpost-bridge-{lane.name}",
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            # anything else would pass over what retention took, without a word
            "auto.offset.reset": "error",
            "isolation.level": "read_committed",
            # all that lies in memory while the centre is away
            "queued.min.messages": 1000,
            "queued.max.messages.kbytes": lane.prefetch_kbytes,
            "fetch.queue.backoff.ms": 20,
            # the bound above is looked at before a request is made and not for its answer, which would bring 1 MB of
            # each partition: 24 MB at once
            "fetch.max.bytes": _FETCH_BYTES,
            "fetch.message.max.bytes": _FETCH_PARTITION_BYTES,
        }
        self._consumer = Consumer(self._config)

    def renew(self) -> None:
        """Forget all that the client learned of the log: `read_from` begins anew.

        It holds the cluster's leader epochs for growing only. Where an older disk was put back they start from a lower
        one, and the client waited without a word for the log to catch up (librdkafka 2.16).
        """
        self._consumer.close()
        self._consumer = Consumer(self._config)

    def close(self) -> None:
        self._consumer.close()

    def read_from(self, starts: Mapping[int, int]) -> None:
        """Go on from these offsets of these partitions, and no others; what was fetched before is forgotten."""
        # assign(), not subscribe(): a rebalance would move the read position without the checkpoint knowing
        places = [TopicPartition(self._lane.topic, partition, offset) for partition, offset in starts.items()]
        with patiently(f"reading {self._lane.topic}"):
            self._consumer.assign(places)
            self._consumer.resume(places)

    def take(self, max_records: int, max_bytes: int, max_s: float, *, is_behind: bool = False) -> Taken:
        """What comes until a limit is reached or nothing came for 10 ms; the first is waited for up to 0.5 s.

        `is_behind`: more was waiting a moment ago: what does not come within 100 ms was all.
        """
        messages: list[Message] = []
        taken_bytes = 0
        end_s: float | None = None
        quiet_s = _QUIET_BEHIND_S if is_behind else _QUIET_S
        chunk = self._consumer.consume(1, quiet_s if is_behind else _FIRST_WAIT_S)
        while chunk:
            end_s = end_s or time.monotonic() + max_s
            for message in chunk:
                error = message.error()
                if error is None:
                    messages.append(message)
                    taken_bytes += len(value_of(message) or b"")
                elif not passes_by_itself(error):
                    return Taken(tuple(messages), f"partition {message.partition()}: {error.str()}", is_full=False)
            room, left_s = max_records - len(messages), end_s - time.monotonic()
            if room <= 0 or left_s <= 0 or taken_bytes >= max_bytes:
                return Taken(tuple(messages), None, is_full=True)
            chunk = self._consumer.consume(min(self._lane.chunk_records, room), min(left_s, quiet_s))
        return Taken(tuple(messages), None, is_full=False)

    def hold(self, partitions: Iterable[int]) -> None:
        """Fetch nothing more of `partitions` until the next `read_from`."""
        self._consumer.pause([TopicPartition(self._lane.topic, partition) for partition in partitions])
