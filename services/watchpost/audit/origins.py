"""What a record's headers say of where it came from, and what a delivery_gap says of what is missing."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from watchpost.audit.offsets import Span
from watchpost.contracts import SourceHeader
from watchpost.contracts.records import EventChanged, EventType
from watchpost.errors import ContractError

__all__ = ["Announcement", "Place", "announcement_in", "dropped_in", "number_in", "place_in"]


class Place(NamedTuple):
    """A partition of a site, in one epoch of its log: here offsets follow one another."""

    site: str
    topic: str
    partition: int
    epoch: int
    topic_id: str
    cluster: str

    def is_same_log(self, other: "Place") -> bool:
        """Whether `other` is this epoch too; a break does not say which cluster was the site's before it."""
        return self[:5] == other[:5]


@dataclass(frozen=True, slots=True)
class Announcement:
    """A break that the bridge told of: where the records of `before` stop, and where they go on in `after`.

    `ahead` are offsets beyond `next_offset` that had been sent, newest first; `then_ahead` those of them that the next
    epoch does not send again.
    """

    cause: str
    before: Place
    next_offset: int
    after: Place
    then_offset: int
    told_ms: int
    ahead: tuple[Span, ...] = ()
    then_ahead: tuple[Span, ...] = ()

    @property
    def lost(self) -> Span | None:
        """The offsets that are gone, where they are known."""
        return Span(self.next_offset, self.then_offset) if self.before.epoch == self.after.epoch else None


def place_in(headers: Mapping[str, bytes], site: str, topic: str) -> Place:
    """Where a record of `topic` came from. Raises ContractError where it does not say so."""
    return Place(
        site=site,
        topic=topic,
        partition=number_in(headers, SourceHeader.PARTITION),
        epoch=number_in(headers, SourceHeader.EPOCH),
        topic_id=_text_in(headers, SourceHeader.TOPIC_ID),
        cluster=_text_in(headers, SourceHeader.CLUSTER),
    )


def dropped_in(headers: Mapping[str, bytes]) -> list[tuple[int, Span]]:
    """The repeats that were left out before this record: partition and offsets."""
    found = []
    for part in filter(None, headers.get(SourceHeader.DROPPED_REPEATS, b"").decode(errors="replace").split(",")):
        partition, _, span = part.partition(":")
        first, _, last = span.partition("-")
        try:
            found.append((int(partition), Span(int(first), int(last) + 1)))
        except ValueError:
            raise ContractError(f"{SourceHeader.DROPPED_REPEATS} is not partition:first-last: {part!r}") from None
    return found


def announcement_in(event: EventChanged, headers: Mapping[str, bytes], site: str, told_ms: int) -> Announcement:
    """What the bridge's own `event` announces. Raises ContractError where it is no delivery_gap."""
    if event.type != EventType.DELIVERY_GAP:
        raise ContractError(f"no source offset, and no delivery_gap but {event.type}")
    try:
        detail = json.loads(event.detail or "")
        after = place_in(headers, site, str(detail["topic"]))
        before = after._replace(epoch=int(detail["epoch"]), topic_id=str(detail.get("topic_id", after.topic_id)))
        return Announcement(
            cause=str(detail["cause"]),
            before=before,
            next_offset=int(detail["next_offset"]),
            after=after,
            then_offset=int(detail["then_offset"]),
            told_ms=told_ms,
            ahead=_spans_in(detail.get("sent_ahead", ())),
            then_ahead=_spans_in(detail.get("then_sent_ahead", ())),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ContractError(f"delivery_gap {event.event_id} cannot be read: {error!r}") from error


def _spans_in(pairs: Iterable[Iterable[int]]) -> tuple[Span, ...]:
    return tuple(Span(first, end) for first, end in pairs)


def number_in(headers: Mapping[str, bytes], name: SourceHeader) -> int:
    """The header's number. Raises ContractError where there is none."""
    value = headers.get(name, b"")
    if not value.isdigit():
        raise ContractError(f"expected a number in the header {name}, got {value[:40]!r}")
    return int(value)


def _text_in(headers: Mapping[str, bytes], name: SourceHeader) -> str:
    value = headers.get(name, b"")
    if not value:
        raise ContractError(f"the header {name} is missing")
    return value.decode(errors="replace")
