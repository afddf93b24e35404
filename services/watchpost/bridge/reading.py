"""Reads what a lane is to send next, and goes on elsewhere when that is sent."""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any

from confluent_kafka import Message

from watchpost.bridge.clusters import Cluster
from watchpost.bridge.lanes import Lane
from watchpost.bridge.manifest import LaneState
from watchpost.bridge.positions import Stretch, unsent_records
from watchpost.bridge.reading_plan import ReadingPlan
from watchpost.bridge.source import Source, Taken

__all__ = ["Reading"]

_FIRST_MEAN_BYTES = 16_000.0
_LEARNS = 0.2
_SAMPLED_RECORDS, _SAMPLED_BYTES, _SAMPLED_S = 16, 1_000_000, 0.1


class Reading:
    """A lane's reading. For its thread.

    Args:
        client: the settings that lead to the site's cluster, callbacks included.
        site: the same cluster, asked for its ends.
        lane: what is read, and in which order.
    """

    def __init__(self, client: Mapping[str, Any], site: Cluster, lane: Lane) -> None:
        self._source = Source(client, lane)
        self._site = site
        self._lane = lane
        self._plan = ReadingPlan()
        self._mean_bytes = _FIRST_MEAN_BYTES
        self._is_behind = False
        self._assigned: frozenset[int] = frozenset()
        self._pool = ThreadPoolExecutor(1, f"reading-{lane.name}")
        self._ahead: Future[Taken] | None = None

    def begin(self, state: LaneState) -> None:
        """Read from where `state` stands; what was fetched before is forgotten."""
        self._is_behind = self._lane.newest_first
        self._aim(state, self._plan.oldest(state))

    def sample(self, state: LaneState) -> Sequence[Message]:
        """Some of the oldest that wait, to look at; `begin` starts with them again."""
        highs = self._site.ends_of(self._lane.topic, state.positions)
        if not any(unsent_records(position, highs[partition]) for partition, position in state.positions.items()):
            return ()
        self.begin(state)
        return self._source.take(_SAMPLED_RECORDS, _SAMPLED_BYTES, _SAMPLED_S).messages

    def take(self, state: LaneState, max_records: int, max_bytes: int, max_s: float) -> Taken:
        """What comes next, as `Source.take`.

        Raises:
            RetryableError: the site does not say where its log ends.
        """
        if self._lane.newest_first and (self._is_behind or self._plan.is_over(state)):
            highs = self._site.ends_of(self._lane.topic, state.positions)
            most_records = max(1, min(max_records, round(max_bytes / self._mean_bytes)))
            self._aim(state, self._plan.newest(state, highs, most_records))
        elif self._plan.is_over(state):
            self._aim(state, self._plan.oldest(state))
        ahead, self._ahead = self._ahead, None
        taken = self._source.take(max_records, max_bytes, max_s) if ahead is None else ahead.result()
        self._is_behind = taken.is_full
        return taken

    def follows(self, state: LaneState) -> bool:
        """Whether what comes next follows what was taken, whatever becomes of that."""
        return not self._lane.newest_first and not self._plan.is_over(state)

    def take_ahead(self, state: LaneState, max_records: int, max_bytes: int, max_s: float) -> None:
        """Begin to take what follows while the centre takes what was taken: the next `take` gives it."""
        if self._ahead is None and self.follows(state):
            self._ahead = self._pool.submit(self._source.take, max_records, max_bytes, max_s, is_behind=True)

    def sent(self, sizes: Sequence[int]) -> None:
        """Learn how many bytes records have."""
        if sizes:
            forgotten = (1 - _LEARNS) ** len(sizes)
            self._mean_bytes += (1 - forgotten) * (sum(sizes) / len(sizes) - self._mean_bytes)

    def hold(self, partitions: Iterable[int]) -> None:
        """Fetch nothing more of `partitions` for now."""
        held = self._assigned.intersection(partitions)
        if held:
            self._wait()
            self._source.hold(held)

    def renew(self) -> None:
        """The log is not the one that it was; `begin` follows."""
        self._wait()
        self._source.renew()

    def close(self) -> None:
        self._wait()
        self._pool.shutdown()
        self._source.close()

    def _wait(self) -> None:
        """Until nobody reads: a client is one thread's at a time."""
        if self._ahead is not None:
            wait((self._ahead,))

    def _aim(self, state: LaneState, stretches: Mapping[int, Stretch]) -> None:
        self._wait()
        self._ahead = None
        state.stretches = dict(stretches)
        self._assigned = frozenset(stretches)
        self._source.read_from({partition: stretch.start for partition, stretch in stretches.items()})
