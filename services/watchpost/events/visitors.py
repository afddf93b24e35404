"""Remembers who is in which zone, also while the tracker loses them: who appears where somebody was lost is them."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from watchpost.events.adoption import near
from watchpost.events.following import Followed
from watchpost.events.rules import ZoneRules
from watchpost.events.stays import Stay
from watchpost.vision.geometry import FractionBox

__all__ = ["Visitor", "recognised", "remembered"]


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody who is, or was a moment ago, in a zone: their track, where they were seen last, a stay for each zone."""

    track_id: int
    box: FractionBox
    seen_us: int
    stays: tuple[Stay, ...] = ()


def recognised(
    visitors: Iterable[Visitor], shown: Iterable[Followed], at_us: int, rules: ZoneRules
) -> dict[int, Visitor]:
    """The visitors by track, with each newcomer in the place of the lost one whom they must be."""
    known = {visitor.track_id: visitor for visitor in visitors}
    now = {person.track_id: person for person in shown}
    for person in now.values():
        if person.since_us != at_us:
            continue
        lost = [
            visitor
            for visitor in known.values()
            if visitor.track_id not in now and near(visitor.box, person.detected.box, rules.adopted_reach)
        ]
        if lost:
            found = max(lost, key=lambda visitor: (visitor.seen_us, -visitor.track_id))
            known.pop(found.track_id)
            known[person.track_id] = replace(found, track_id=person.track_id)
    return known


def remembered(visitors: Iterable[Visitor], at_us: int) -> tuple[Visitor, ...]:
    """Those of whom anything is to be remembered, by track."""
    kept = (
        replace(visitor, stays=tuple(stay for stay in visitor.stays if stay.matters(at_us))) for visitor in visitors
    )
    return tuple(sorted((visitor for visitor in kept if visitor.stays), key=lambda visitor: visitor.track_id))
