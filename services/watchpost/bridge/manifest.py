"""Decides, without touching Kafka, what of a lane's messages goes up, what is dropped and what is held."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from confluent_kafka import Message

from watchpost.bridge.envelope import Outgoing, central_key, enveloped, source_headers
from watchpost.bridge.naming import Named
from watchpost.bridge.positions import Stretch, brought, next_stretch
from watchpost.bridge.repeats import Dropped, RepeatWindow
from watchpost.contracts import SourceHeader
from watchpost.contracts.records import CameraId, SiteId, SourcePosition
from watchpost.errors import ContractError
from watchpost.stream import Header, value_of

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
class _Run:
    """Records of one partition that go up one after the other. Their position is counted once, at the end."""

    start: int
    reached: int
    end: int | None
    headers: Sequence[Header]
    leader_epoch: int = -1
    last_at_ms: int = -1

    def holds(self, offset: int) -> bool:
        return offset >= self.reached and (self.end is None or offset < self.end)


@dataclass(slots=True)
class Manifest:
    """What one transaction carries, and the state after it."""

    positions: dict[int, SourcePosition]
    dropped: Dropped
    held: dict[int, Hold]
    new: dict[int, dict[str, None]] = field(default_factory=dict)
    reading: dict[int, Stretch] = field(default_factory=dict)
    repeats: int = 0
    _runs: dict[int, _Run] = field(default_factory=dict)

    def holds(self, partition: int, offset: int, state: LaneState) -> bool:
        """Whether the record is one of those that are read now, and was not taken already."""
        run = self._runs.get(partition)
        return self.stretch(partition, state).holds(offset) if run is None else run.holds(offset)

    def run(self, partition: int, state: LaneState) -> _Run:
        """What goes up of a partition by now."""
        run = self._runs.get(partition)
        if run is None:
            stretch = self.stretch(partition, state)
            headers = source_headers(state.cluster_id, self.positions[partition])
            run = self._runs[partition] = _Run(stretch.start, stretch.start, stretch.end, headers)
        return run

    def settle(self, partition: int) -> None:
        """Count what goes up of a partition by now into its position."""
        run = self._runs.pop(partition, None)
        if run is not None:
            self.positions[partition] = brought(
                self.positions[partition], run.start, run.reached, run.leader_epoch, run.last_at_ms
            )
            self.reading[partition] = Stretch(run.reached, run.end)

    def settle_all(self) -> None:
        """Count all that goes up by now."""
        for partition in tuple(self._runs):
            self.settle(partition)

    def stretch(self, partition: int, state: LaneState) -> Stretch:
        """What is read of a partition after what is here already."""
        found = self.reading.get(partition) or state.stretches.get(partition)
        return found or next_stretch(state.next_positions()[partition])

    def applied_to(self, state: LaneState) -> None:
        """Make it so: only after the centre has it, or when there is nothing to send."""
        state.positions, state.dropped, state.held = self.positions, self.dropped, self.held
        state.stretches |= self.reading
        for partition, identities in self.new.items():
            for each in identities:
                state.windows[partition].remember(each)


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
    for message in messages:
        partition, offset = message.partition() or 0, message.offset() or 0
        hold = manifest.held.get(partition)
        if (hold is not None and offset > hold.offset) or not manifest.holds(partition, offset, state):
            continue
        try:
            named = name(value_of(message) or b"")
        except ContractError as error:
            manifest.held[partition] = Hold(offset, str(error))
            continue
        if hold is not None:
            del manifest.held[partition]
        new = manifest.new.setdefault(partition, {})
        if named.identity in state.windows[partition] or named.identity in new:
            _drop(manifest, message, state)
        else:
            outgoing.append(_added(manifest, message, named.camera, state, site, now_ms))
            new[named.identity] = None
    manifest.settle_all()
    return outgoing


def _drop(manifest: Manifest, message: Message, state: LaneState) -> None:
    """Leave a repeat out; its position counts with the next record that is sent."""
    partition, offset = message.partition() or 0, message.offset() or 0
    manifest.settle(partition)
    stretch = manifest.stretch(partition, state)
    before = manifest.dropped.positions.get(partition, manifest.positions[partition])
    after = brought(before, stretch.start, offset + 1, _leader_epoch(message), message.timestamp()[1])
    manifest.reading[partition] = Stretch(offset + 1, stretch.end)
    manifest.dropped = manifest.dropped.with_record(partition, offset, after)
    manifest.repeats += 1


def _added(
    manifest: Manifest, message: Message, camera: CameraId, state: LaneState, site: SiteId, now_ms: int
) -> Outgoing:
    partition, offset = message.partition() or 0, message.offset() or 0
    extra: list[Header] = []
    if manifest.dropped:
        extra.append((SourceHeader.DROPPED_REPEATS.value, manifest.dropped.as_header()))
        manifest.positions.update(manifest.dropped.positions)
        manifest.dropped = Dropped()
    run = manifest.run(partition, state)
    run.reached = offset + 1
    run.leader_epoch = max(run.leader_epoch, _leader_epoch(message))
    run.last_at_ms = max(run.last_at_ms, message.timestamp()[1])
    return enveloped(message, central_key(site, camera), [*run.headers, *extra], now_ms)


def _leader_epoch(message: Message) -> int:
    epoch = message.leader_epoch()
    return -1 if epoch is None else epoch


def waiting_reason(held: Mapping[int, Hold]) -> str | None:
    """What the held partitions wait for, for a person; None when nothing is held."""
    if not held:
        return None
    return "; ".join(f"partition {partition}, offset {hold.offset}: {hold.reason}" for partition, hold in held.items())
