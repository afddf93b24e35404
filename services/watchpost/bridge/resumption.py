"""Where to go on reading, and what to tell the centre where the site's log does not go on from the checkpoint."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from watchpost.bridge.positions import cut_short, is_counted, passed
from watchpost.contracts.records import SourcePosition

__all__ = ["Break", "BreakCause", "OffsetRange", "SourceTopic", "given_up", "resumed", "without_strangers"]


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


def without_strangers(
    topic: SourceTopic, checkpoint: Mapping[int, SourcePosition], later_from: Mapping[int, int | None]
) -> SourceTopic:
    """`topic` up to the first record that stands where one was brought and is later than all that were brought.

    Where somebody put an older disk back, other records took the offsets of those that were brought since it was
    copied. Leader epochs do not tell: the older disk counts them from where it stood, and may give the same ones again.

    Args:
        topic: as it is now.
        checkpoint: how far the centre has each partition.
        later_from: the first offset of each that is later than all that were brought; None where there is none.
    """
    ranges = dict(topic.partitions)
    for partition, offset in later_from.items():
        if offset is not None and is_counted(checkpoint[partition], offset):
            ranges[partition] = OffsetRange(ranges[partition].low, offset)
    return replace(topic, partitions=ranges)


class BreakCause(StrEnum):
    """Why a partition's records do not follow one another at the centre."""

    RETENTION = "retention"  # the site deleted records before they could be sent
    REMADE = "remade"  # the topic was deleted and made anew
    CUT = "cut"  # the log lost its end, as in a power cut, or was put back to an older state
    EXPIRED = "expired"  # they became too old to be sent


@dataclass(frozen=True, slots=True)
class Break:
    """Where a partition's records stop, and where they go on."""

    cause: BreakCause
    before: SourcePosition
    after: SourcePosition

    @property
    def lost_records(self) -> int | None:
        """How many are known to be missing; None where only a vanished log could tell."""
        return self.after.next_offset - self.before.next_offset if self.names_offsets else None

    @property
    def names_offsets(self) -> bool:
        """Whether exactly the offsets from `before` up to `after` are missing, and nothing else changed."""
        return self.cause in {BreakCause.RETENTION, BreakCause.EXPIRED}


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
    else:
        cut_at = _with_what_went_ahead(position, topic.partitions[partition].high, cut_at)
        if cut_at is not None:
            fresh = cut_short(position, cut_at)
            breaks.append(Break(BreakCause.CUT, position, fresh))
            position = fresh
    position, lost = given_up(position, topic.partitions[partition].low, BreakCause.RETENTION)
    return position, (*breaks, *lost)


def given_up(
    position: SourcePosition, to_offset: int, cause: BreakCause, at_ms: int = -1
) -> tuple[SourcePosition, tuple[Break, ...]]:
    """The position once nothing below `to_offset` is waited for any more, and the breaks that say what never went.

    `at_ms`: what is given up and still there is no later than this.
    """
    after, missing = passed(position, to_offset, at_ms)
    breaks = tuple(
        Break(cause, replace(position, next_offset=span.from_offset), replace(position, next_offset=span.to_offset))
        for span in missing
    )
    return after, breaks


def _with_what_went_ahead(position: SourcePosition, high: int, cut_at: int | None) -> int | None:
    """Where the log was cut, also where only what went ahead shows it."""
    if cut_at is None and position.sent_ahead and position.sent_ahead[-1].to_offset > high:
        return high
    return cut_at
