"""Keeps a partition's position true where its records do not go up in their order: newest first, or some never.

A position says up to where everything was brought, and which spans beyond that were. Pure.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from watchpost.contracts.records import OffsetSpan, SourcePosition

__all__ = [
    "Stretch",
    "brought",
    "cut_short",
    "is_counted",
    "newest_stretch",
    "next_stretch",
    "passed",
    "unsent_records",
]

# a checkpoint with more spans than this in each partition would weigh more than what it counts
_MOST_SPANS = 8


@dataclass(frozen=True, slots=True)
class Stretch:
    """Offsets to read next, from `start` up to, not including, `end`; None: on and on."""

    start: int
    end: int | None

    def holds(self, offset: int) -> bool:
        """Whether it is read within this stretch."""
        return offset >= self.start and (self.end is None or offset < self.end)


def brought(position: SourcePosition, start: int, end: int, leader_epoch: int = -1, at_ms: int = -1) -> SourcePosition:
    """The position after all from `start` up to, not including, `end` was brought.

    `leader_epoch` and `at_ms` are the last record's, or the latest of all.
    """
    spans = _merged([*position.sent_ahead, OffsetSpan(start, end)])
    reached = position.next_offset
    while spans and spans[0].from_offset <= reached:
        reached = max(reached, spans.pop(0).to_offset)
    epoch = max(position.leader_epoch, leader_epoch)
    last_at_ms = max(position.last_at_ms, at_ms)
    return replace(position, next_offset=reached, sent_ahead=tuple(spans), leader_epoch=epoch, last_at_ms=last_at_ms)


def passed(position: SourcePosition, to_offset: int, at_ms: int = -1) -> tuple[SourcePosition, tuple[OffsetSpan, ...]]:
    """The position once nothing before `to_offset` is waited for, and the spans that were never brought.

    `at_ms`: what is passed over and still there is no later than this.
    """
    missing = tuple(
        OffsetSpan(gap.from_offset, min(gap.to_offset, to_offset))
        for gap in _gaps(position, to_offset)
        if gap.from_offset < to_offset
    )
    if not missing and position.next_offset >= to_offset:
        return position, ()
    return brought(position, position.next_offset, to_offset, at_ms=at_ms), missing


def is_counted(position: SourcePosition, offset: int) -> bool:
    """Whether the record at `offset` was brought, or passed over."""
    return offset < position.next_offset or any(
        span.from_offset <= offset < span.to_offset for span in position.sent_ahead
    )


def cut_short(position: SourcePosition, cut_at: int) -> SourcePosition:
    """The position in the next epoch of a log that lost what lay from `cut_at` on: what goes on there is other.

    What is there later than all that was brought still is other, so the time stays.
    """
    kept = tuple(
        OffsetSpan(span.from_offset, min(span.to_offset, cut_at))
        for span in position.sent_ahead
        if span.from_offset < cut_at
    )
    at = min(position.next_offset, cut_at)
    return replace(position, epoch=position.epoch + 1, next_offset=at, sent_ahead=kept, leader_epoch=-1)


def next_stretch(position: SourcePosition) -> Stretch:
    """The oldest that was not brought."""
    return Stretch(position.next_offset, position.sent_ahead[0].from_offset if position.sent_ahead else None)


def newest_stretch(position: SourcePosition, high: int, most_records: int) -> Stretch | None:
    """The newest that was not brought, `most_records` of it; None where all was.

    Where there are many spans already it adjoins one of them, so that there are no more afterwards.
    """
    gaps = _gaps(position, high)
    if not gaps:
        return None
    newest = gaps[-1]
    if len(position.sent_ahead) >= _MOST_SPANS:
        return Stretch(newest.from_offset, min(newest.to_offset, newest.from_offset + most_records))
    return Stretch(max(newest.from_offset, newest.to_offset - most_records), newest.to_offset)


def unsent_records(position: SourcePosition, high: int) -> int:
    """How many offsets below `high` were not brought."""
    return sum(gap.to_offset - gap.from_offset for gap in _gaps(position, high))


def _gaps(position: SourcePosition, high: int) -> list[OffsetSpan]:
    """What was not brought, between the spans that were, oldest first."""
    starts = [position.next_offset, *(span.to_offset for span in position.sent_ahead)]
    ends = [*(span.from_offset for span in position.sent_ahead), high]
    return [OffsetSpan(start, end) for start, end in zip(starts, ends, strict=True) if start < end]


def _merged(spans: Iterable[OffsetSpan]) -> list[OffsetSpan]:
    merged: list[OffsetSpan] = []
    for span in sorted(spans, key=lambda one: one.from_offset):
        if merged and span.from_offset <= merged[-1].to_offset:
            merged[-1] = OffsetSpan(merged[-1].from_offset, max(merged[-1].to_offset, span.to_offset))
        else:
            merged.append(span)
    return merged
