"""Decides, without touching Kafka, what of a handful of messages goes up, what is dropped and what is held."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from confluent_kafka import Message

from watchpost.bridge.envelope import Outgoing, central_key, enveloped, source_headers
from watchpost.bridge.lanes import Carried, identity
from watchpost.bridge.positions import Stretch, brought, next_stretch
from watchpost.bridge.repeats import Dropped, RepeatWindow
from watchpost.contracts import SourceHeader
from watchpost.contracts.records import SiteId, SourcePosition
from watchpost.errors import ContractError
from watchpost.stream import Header, value_of

__all__ = ["Hold", "LaneState", "Manifest", "composed", "waiting_reason"]


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
    outgoing: list[Outgoing] = field(default_factory=list)
    new: dict[int, dict[str, None]] = field(default_factory=dict)
    reading: dict[int, Stretch] = field(default_factory=dict)
    repeats: int = 0

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


def composed(
    messages: Sequence[Message],
    state: LaneState,
    site: SiteId,
    read: Callable[[bytes], Carried],
    now_ms: int,
) -> Manifest:
    """The manifest of `messages`, which follow the state's `next_positions`. The state is left as it is.

    Args:
        messages: in the order of their partitions; those outside of what is read by now are passed over.
        state: the lane's.
        site: whose records these are.
        read: decodes a value; its ContractError holds the partition there.
        now_ms: the centre's time.
    """
    manifest = Manifest(dict(state.positions), state.dropped, dict(state.held))
    for message in messages:
        partition, offset = message.partition() or 0, message.offset() or 0
        hold = manifest.held.get(partition)
        if (hold is not None and offset > hold.offset) or not manifest.stretch(partition, state).holds(offset):
            continue
        value = value_of(message)
        try:
            record = read(value or b"")
        except ContractError as error:
            manifest.held[partition] = Hold(offset, str(error))
            continue
        manifest.held.pop(partition, None)
        _add(manifest, message, record, state, site, now_ms)
    return manifest


def _add(manifest: Manifest, message: Message, record: Carried, state: LaneState, site: SiteId, now_ms: int) -> None:
    partition, offset = message.partition() or 0, message.offset() or 0
    stretch = manifest.stretch(partition, state)
    # what was dropped before counts with the next record that is sent
    before = manifest.dropped.positions.get(partition, manifest.positions[partition])
    epoch = message.leader_epoch()
    after = brought(before, stretch.start, offset + 1, -1 if epoch is None else epoch, message.timestamp()[1])
    manifest.reading[partition] = Stretch(offset + 1, stretch.end)
    name = identity(record)
    new = manifest.new.setdefault(partition, {})
    if name in state.windows[partition] or name in new:
        manifest.dropped = manifest.dropped.with_record(partition, offset, after)
        manifest.repeats += 1
        return
    extra: list[Header] = source_headers(state.cluster_id, after)
    if manifest.dropped:
        extra.append((SourceHeader.DROPPED_REPEATS.value, manifest.dropped.as_header()))
        manifest.positions.update(manifest.dropped.positions)
        manifest.dropped = Dropped()
    manifest.outgoing.append(enveloped(message, central_key(site, record.camera), extra, now_ms))
    manifest.positions[partition] = after
    new[name] = None


def waiting_reason(held: Mapping[int, Hold]) -> str | None:
    """What the held partitions wait for, for a person; None when nothing is held."""
    if not held:
        return None
    return "; ".join(f"partition {partition}, offset {hold.offset}: {hold.reason}" for partition, hold in held.items())
