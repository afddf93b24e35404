"""Decides, without touching Kafka, what of a handful of messages goes up, what is dropped and what is held."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from confluent_kafka import Message

from watchpost.bridge.envelope import Outgoing, central_key, enveloped, source_headers
from watchpost.bridge.lanes import Carried, identity
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
    repeats: int = 0

    def applied_to(self, state: LaneState) -> None:
        """Make it so: only after the centre has it, or when there is nothing to send."""
        state.positions, state.dropped, state.held = self.positions, self.dropped, self.held
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
        messages: in the order of their partitions.
        state: the lane's.
        site: whose records these are.
        read: decodes a value; its ContractError holds the partition there.
        now_ms: the centre's time.
    """
    manifest = Manifest(dict(state.positions), state.dropped, dict(state.held))
    for message in messages:
        partition, offset = message.partition() or 0, message.offset() or 0
        hold = manifest.held.get(partition)
        if hold is not None and offset > hold.offset:
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
    after = _after(manifest.positions[partition], message)
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


def _after(position: SourcePosition, message: Message) -> SourcePosition:
    epoch = message.leader_epoch()
    return SourcePosition(
        topic=position.topic,
        topic_id=position.topic_id,
        partition=position.partition,
        epoch=position.epoch,
        next_offset=(message.offset() or 0) + 1,
        leader_epoch=position.leader_epoch if epoch is None else epoch,
    )


def waiting_reason(held: Mapping[int, Hold]) -> str | None:
    """What the held partitions wait for, for a person; None when nothing is held."""
    if not held:
        return None
    return "; ".join(f"partition {partition}, offset {hold.offset}: {hold.reason}" for partition, hold in held.items())
