"""Says of each partition of a site what is missing at the centre, and what of that nothing explains."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from watchpost.audit.ledger import Account
from watchpost.audit.offsets import Span, count_of, joined, without
from watchpost.audit.origins import Announcement, Place
from watchpost.contracts import TopicName
from watchpost.contracts.records import SourcePosition

__all__ = ["Lineage", "PlaceFinding", "judged"]

# a record may be this much older than the announcement before it: what a site keeps while the centre is away
_SITE_KEEPS_MS = 48 * 3600 * 1000
_SHOWN_SPANS = 20


@dataclass(slots=True)
class PlaceFinding:
    """What was found of one place. `faults` are what nothing explains, in words."""

    place: Place
    first_offset: int | None
    end_offset: int | None
    records: int
    judged_from: int
    repeated_offsets: int = 0
    missing: tuple[Span, ...] = ()
    missing_records: int = 0
    announced: tuple[tuple[str, Span | None], ...] = ()
    faults: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Lineage:
    """All that is known of one partition of a site, over all its epochs.

    Args:
        accounts: what is held, by place.
        announcements: what the bridge told of it.
        dropped: repeats that were left out, by place without epoch.
        checkpoint_before: how far the centre was said to have it before anything was read; None: no checkpoint.
        checkpoint_after: the same after all was read.
        horizon_ms: of what happened before, records may be gone; None: all that ever came is there.
    """

    accounts: Mapping[Place, Account]
    announcements: Sequence[Announcement]
    dropped: Mapping[Place, Sequence[Span]]
    checkpoint_before: SourcePosition | None
    checkpoint_after: SourcePosition | None
    horizon_ms: int | None


def judged(lineage: Lineage) -> list[PlaceFinding]:
    """A finding for each place, in the order of their epochs."""
    places = sorted(lineage.accounts, key=lambda place: place.epoch)
    findings = [_finding(place, places[:number], lineage) for number, place in enumerate(places)]
    epochs = [place.epoch for place in places]
    for finding in findings:
        if epochs.count(finding.place.epoch) > 1:
            finding.faults.append(f"epoch {finding.place.epoch} is claimed by two logs (topic id or cluster differ)")
    return findings


def _finding(place: Place, earlier: Sequence[Place], lineage: Lineage) -> PlaceFinding:
    account = lineage.accounts[place]
    held = list(account.held.spans())
    finding = PlaceFinding(
        place,
        first_offset=held[0].first if held else None,
        end_offset=held[-1].end if held else None,
        records=account.held.count,
        judged_from=0,
        repeated_offsets=account.repeated,
        announced=tuple((each.cause, each.lost) for each in lineage.announcements if each.before.is_same_log(place)),
    )
    if account.repeated:
        finding.faults.append(f"{account.repeated} offsets are there twice")
    start = finding.judged_from = _start(place, earlier, lineage, finding)
    wanted = joined(sorted(_promised(place, start, lineage, finding)))
    explained = list(_explained(place, held, lineage))
    missing = [span for promised in wanted for span in without(promised, explained)]
    finding.missing, finding.missing_records = tuple(missing[:_SHOWN_SPANS]), count_of(missing)
    if missing:
        finding.faults.append(f"{finding.missing_records} records are missing: {_words(missing)}")
    return finding


def _explained(place: Place, held: Iterable[Span], lineage: Lineage) -> Iterable[Span]:
    """What is there, was announced as lost, came in the epoch before, or was there already under another offset."""
    lost = [each.lost for each in lineage.announcements if each.before.is_same_log(place) and each.lost is not None]
    earlier = [span for each in lineage.announcements if each.after.is_same_log(place) for span in each.then_ahead]
    return joined(sorted([*held, *lost, *earlier, *lineage.dropped.get(place._replace(epoch=0), ())]))


def _start(place: Place, earlier: Sequence[Place], lineage: Lineage, finding: PlaceFinding) -> int:
    """The first offset that must be accounted for."""
    account, horizon_ms = lineage.accounts[place], lineage.horizon_ms
    opened = next((each for each in lineage.announcements if each.after.is_same_log(place) and each.lost is None), None)
    first = account.held.first if account.held.count else 0
    if opened is not None:
        near = horizon_ms is not None and opened.told_ms < horizon_ms + _SITE_KEEPS_MS
        return max(opened.then_offset, account.judged_from, first if near else 0)
    if horizon_ms is not None and all(_is_before_horizon(lineage.accounts[each]) for each in earlier):
        return max(first, account.judged_from)
    if earlier or place.epoch:
        finding.faults.append(f"epoch {place.epoch} begins, and no delivery_gap tells of it")
        return max(first, account.judged_from)
    return account.judged_from


def _is_before_horizon(account: Account) -> bool:
    return account.judged_from >= account.held.end


def _promised(place: Place, start: int, lineage: Lineage, finding: PlaceFinding) -> list[Span]:
    """What must be there from `start` on: up to where the next epoch was announced, or as the checkpoint says."""
    account = lineage.accounts[place]
    before, after = lineage.checkpoint_before, lineage.checkpoint_after
    left = next((each for each in lineage.announcements if each.before.is_same_log(place) and each.lost is None), None)
    if left is not None:
        promised = [Span(start, left.next_offset), *left.ahead]
        _look_beyond(
            account, left.next_offset, left.ahead, f"epoch {left.after.epoch} was announced to follow", finding
        )
    elif after is None:
        finding.faults.append("no checkpoint counts these records")
        return _in_a_row(place, start, account.held.end)
    elif (after.epoch, after.topic_id) != (place.epoch, place.topic_id):
        if lineage.horizon_ms is None:
            finding.faults.append(f"the checkpoint is in epoch {after.epoch}, and no delivery_gap tells how that came")
        return _in_a_row(place, start, account.held.end)
    else:
        promised = _in_a_row(place, start, min(account.held.end, after.next_offset))
        if before is not None and (before.epoch, before.topic_id) == (place.epoch, place.topic_id):
            promised += [Span(start, before.next_offset), *_ahead(before)]
        _look_beyond(account, after.next_offset, _ahead(after), "the checkpoint counts up to", finding)
    if lineage.horizon_ms is not None and _is_before_horizon(account):
        return _in_a_row(place, start, account.held.end)
    return promised


def _in_a_row(place: Place, start: int, end: int) -> list[Span]:
    """Everything up to `end`, of events. Thumbnails may go newest first: a hole may be one that is still to come."""
    return [Span(start, end)] if place.topic == TopicName.EVENTS else []


def _ahead(position: SourcePosition) -> list[Span]:
    return [Span(each.from_offset, each.to_offset) for each in position.sent_ahead]


def _look_beyond(account: Account, end: int, ahead: Sequence[Span], says: str, finding: PlaceFinding) -> None:
    """Records that nobody counts are not the bridge's."""
    counted = list(joined(sorted([Span(0, end), *ahead])))
    beyond = [span for held in account.held.spans() for span in without(held, counted)]
    if beyond:
        finding.faults.append(f"{says} offset {end - 1}, but {_words(beyond)} are there: another writer's")


def _words(spans: Sequence[Span]) -> str:
    shown = [f"{each.first}" if each.end == each.first + 1 else f"{each.first} to {each.end - 1}" for each in spans[:5]]
    return f"offsets {', '.join(shown)}" + (" …" if len(spans) > len(shown) else "")
