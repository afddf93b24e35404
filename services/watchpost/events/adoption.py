"""Gives a lying body back to the person whom the tracker lost in the fall.

In a fall a box changes its shape within a frame or two, breaks into legs and body, or vanishes behind somebody. Then
the tracker sees a new person who lies there, of whom it knows nothing, and loses the one who stood. Nobody appears
lying: who lies where somebody standing was lost a moment ago is that person.
"""

from collections.abc import Mapping

from watchpost.contracts.records import DetectedObject, Posture
from watchpost.events.falls import PersonState
from watchpost.events.rules import FallRules
from watchpost.vision.geometry import FractionBox

__all__ = ["adopted", "near"]

_MICROSECONDS = 1_000_000
_KNOWN_SIGHTINGS = 3


def adopted(
    known: Mapping[int, PersonState], seen: Mapping[int, DetectedObject], at_us: int, rules: FallRules
) -> dict[int, PersonState]:
    """The people by track, with each lying newcomer in the place of the person whom they must be.

    `seen` holds this frame's object by track.
    """
    people = dict(known)
    for track_id in sorted(seen):
        newcomer = people.get(track_id)
        if seen[track_id].posture is not Posture.LYING or _is_known(newcomer):
            continue
        lost = [
            person
            for person in people.values()
            if person.track_id not in seen
            and _is_known(person)
            and at_us - person.seen_us <= rules.adopted_s * _MICROSECONDS
            and person.box is not None
            and near(person.box, seen[track_id].box, rules.adopted_reach)
        ]
        if lost:
            person = max(lost, key=lambda one: (one.seen_us, -one.track_id))
            people.pop(person.track_id)
            people[track_id] = person.renamed(track_id)
    return people


def near(before: FractionBox, now: FractionBox, reach: float) -> bool:
    """Whether a box meets an older one that is widened on all sides by this share of its size."""
    across, down = reach * before.width, reach * before.height
    return (
        now.x0 <= before.x1 + across
        and now.x1 >= before.x0 - across
        and now.y0 <= before.y1 + down
        and now.y1 >= before.y0 - down
    )


def _is_known(person: PersonState | None) -> bool:
    """Whether somebody was seen upright long enough to be a person of their own, and not a part of a fallen one."""
    return person is not None and len(person.heights) >= _KNOWN_SIGHTINGS
