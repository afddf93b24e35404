"""Where to go on reading, and what to tell the centre where the site's log does not go on from the checkpoint."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from watchpost.contracts.records import SourcePosition

__all__ = ["Break", "BreakCause", "OffsetRange", "SourceTopic", "resumed"]


@dataclass(frozen=True, slots=True)
class OffsetRange:
    """What a partition holds: offsets from `low` up to, not including, `high`."""

    low: int
    high: int


@dataclass(frozen=True, slots=True)
class SourceTopic:
    """A topic of the site as its cluster describes it."""

    name: str
    topic_id: str
    partitions: Mapping[int, OffsetRange]


class BreakCause(StrEnum):
    """Why a partition's records do not follow one another at the centre."""

    RETENTION = "retention"  # the site deleted records before they could be sent
    REMADE = "remade"  # the topic was deleted and made anew
    CUT = "cut"  # the log lost its end, as in a power cut


@dataclass(frozen=True, slots=True)
class Break:
    """Where a partition's records stop, and where they go on."""

    cause: BreakCause
    before: SourcePosition
    after: SourcePosition

    @property
    def lost_records(self) -> int | None:
        """How many are known to be missing; None where only a vanished log could tell."""
        return self.after.next_offset - self.before.next_offset if self.cause is BreakCause.RETENTION else None


def resumed(
    topic: SourceTopic, partition: int, checkpoint: SourcePosition | None, cut_at: int | None
) -> tuple[SourcePosition, tuple[Break, ...]]:
    """The position to read `partition` from, and the breaks on the way there, in order.

    Args:
        topic: as it is now.
        partition: one of its partitions.
        checkpoint: how far the centre has it; None before the first record.
        cut_at: the first offset below the checkpoint that holds another record than the one that was brought, or would;
            None where the log is whole up to the checkpoint.
    """
    position = checkpoint or SourcePosition(topic.name, topic.topic_id, partition, 0, 0, -1)
    breaks = []
    if position.topic_id != topic.topic_id:
        fresh = SourcePosition(topic.name, topic.topic_id, partition, position.epoch + 1, 0, -1)
        breaks.append(Break(BreakCause.REMADE, position, fresh))
        position = fresh
    elif cut_at is not None:
        fresh = replace(position, epoch=position.epoch + 1, next_offset=cut_at, leader_epoch=-1)
        breaks.append(Break(BreakCause.CUT, position, fresh))
        position = fresh
    low = topic.partitions[partition].low
    if position.next_offset < low:
        after = replace(position, next_offset=low)
        breaks.append(Break(BreakCause.RETENTION, position, after))
        position = after
    return position, tuple(breaks)
