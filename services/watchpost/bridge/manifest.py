"""Decides, without touching Kafka, what of a lane's messages goes up, what is dropped and what is held."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from confluent_kafka import Message

from watchpost.bridge.envelope import Outgoing, central_key, enveloped, sent_header, source_headers
from watchpost.bridge.naming import Named
from watchpost.bridge.positions import Stretch, brought, next_stretch
from watchpost.bridge.repeats import Dropped, RepeatWindow
from watchpost.contracts import SourceHeader
from watchpost.contracts.records import SiteId, SourcePosition
from watchpost.errors import ContractError

__all__ = ["Hold", "LaneState", "Manifest", "begun", "extend", "waiting_reason"]


@dataclass(frozen=True, slots=True)
class Hold:
    """A record that cannot be sent: nothing behind it in its partition is sent either."""

    offset: int
    reason: str


@dataclass(slots=True)
class LaneState:
    """Where a lane stands: what the centre has, and what was found on the way."""

    cluster_id: str
    positions: dict[int, SourcePosition]
    windows: dict[int, RepeatWindow]
    dropped: Dropped = field(default_factory=Dropped)
    held: dict[int, Hold] = field(default_factory=dict)
    stretches: dict[int, Stretch] = field(default_factory=dict)
    """What is read of each partition by now; of those that are not here, what follows their position."""

    def next_positions(self) -> dict[int, SourcePosition]:
        """What is read next: past dropped repeats, which the checkpoint does not count yet."""
        return {**self.positions, **self.dropped.positions}


@dataclass(slots=True)
class Manifest:
    """What one transaction carries, and the state after it."""

    positions: dict[int, SourcePosition]
    dropped: Dropped
    held: dict[int, Hold]
    new: dict[int, dict[str, None]] = field(default_factory=dict)
    reading: dict[int, Stretch] = field(default_factory=dict)
    repeats: int = 0

    def applied_to(self, state: LaneState) -> None:
        """Make it so: only after the centre has it, or when there is nothing to send."""
        state.positions, state.dropped, state.held = self.positions, self.dropped, self.held
        state.stretches |= self.reading
        for partition, identities in self.new.items():
            state.windows[partition].remember(identities)


def begun(state: LaneState) -> Manifest:
    """A manifest with nothing in it, which goes on where `state` stands. The state is left as it is."""
    return Manifest(dict(state.positions), state.dropped, dict(state.held))


def extend(
    manifest: Manifest,
    messages: Sequence[Message],
    state: LaneState,
    site: SiteId,
    name: Callable[[bytes], Named],
    now_ms: int,
) -> list[Outgoing]:
    """Count `messages`, which follow what the manifest has, in; what of them goes up.

    Args:
        manifest: grows.
        messages: in the order of their partitions; those outside of what is read by now are passed over.
        state: the lane's, as the manifest found it.
        site: whose records these are.
        name: names what is in a value; its ContractError holds the partition there.
        now_ms: the centre's time.
    """
    outgoing: list[Outgoing] = []
    # what is the partition's is looked up once for all of its messages
    runs: dict[int, _Run] = {}
    for message in messages:
        partition = message.partition() or 0
        run = runs.get(partition)
        if run is None:
            run = runs[partition] = _Run(manifest, state, partition, now_ms)
        named = run.named(message, name)
        if named is not None:
            outgoing.append(run.enveloped(message, central_key(site, named.camera)))
    for run in runs.values():
        run.settle()
    return outgoing


class _Run:
    """Messages of one partition on their way into a manifest. Their position is counted once, at the end."""

    def __init__(self, manifest: Manifest, state: LaneState, partition: int, now_ms: int) -> None:
        self._manifest, self._partition, self._now_ms = manifest, partition, now_ms
        self._hold = manifest.held.get(partition)
        self._window = state.windows[partition]
        self._new = manifest.new.setdefault(partition, {})
        self._headers = (*source_headers(state.cluster_id, manifest.positions[partition]), sent_header(now_ms))
        found = manifest.reading.get(partition) or state.stretches.get(partition)
        stretch = found or next_stretch(state.next_positions()[partition])
        self._start = self._reached = stretch.start
        self._end = stretch.end
        self._leader_epoch = self._last_at_ms = -1

    def named(self, message: Message, name: Callable[[bytes], Named]) -> Named | None:
        """What names a record that goes up; None where it does not, or not now."""
        offset = message.offset() or 0
        if offset < self._reached or (self._end is not None and offset >= self._end):
            return None  # none of those that are read now, or taken already
        if self._hold is not None and offset > self._hold.offset:
            return None
        try:
            named = name(message.value() or b"")
        except ContractError as error:
            self._hold = self._manifest.held[self._partition] = Hold(offset, str(error))
            return None
        if self._hold is not None:
            self._hold = None
            del self._manifest.held[self._partition]
        if named.identity in self._window or named.identity in self._new:
            self._drop(message, offset)
            return None
        self._new[named.identity] = None
        return named

    def enveloped(self, message: Message, key: bytes) -> Outgoing:
        """`message` as the centre gets it; it counts as gone up."""
        self._reached = (message.offset() or 0) + 1
        self._leader_epoch = max(self._leader_epoch, _leader_epoch(message))
        self._last_at_ms = max(self._last_at_ms, message.timestamp()[1])
        manifest, headers = self._manifest, self._headers
        if manifest.dropped:
            headers = (*headers, (SourceHeader.DROPPED_REPEATS.value, manifest.dropped.as_header()))
            manifest.positions.update(manifest.dropped.positions)
            manifest.dropped = Dropped()
        return enveloped(message, key, headers, self._now_ms)

    def settle(self) -> None:
        """Count what went up by now into the position."""
        if self._reached == self._start:
            return
        positions = self._manifest.positions
        positions[self._partition] = brought(
            positions[self._partition], self._start, self._reached, self._leader_epoch, self._last_at_ms
        )
        self._goes_on_at(self._reached)

    def _drop(self, message: Message, offset: int) -> None:
        """Leave a repeat out; its position counts with the next record that is sent."""
        self.settle()
        manifest, partition = self._manifest, self._partition
        before = manifest.dropped.positions.get(partition, manifest.positions[partition])
        after = brought(before, self._start, offset + 1, _leader_epoch(message), message.timestamp()[1])
        manifest.dropped = manifest.dropped.with_record(partition, offset, after)
        manifest.repeats += 1
        self._goes_on_at(offset + 1)

    def _goes_on_at(self, offset: int) -> None:
        self._start = self._reached = offset
        self._manifest.reading[self._partition] = Stretch(offset, self._end)


def _leader_epoch(message: Message) -> int:
    epoch = message.leader_epoch()
    return -1 if epoch is None else epoch


def waiting_reason(held: Mapping[int, Hold]) -> str | None:
    """What the held partitions wait for, for a person; None when nothing is held."""
    if not held:
        return None
    return "; ".join(f"partition {partition}, offset {hold.offset}: {hold.reason}" for partition, hold in held.items())
