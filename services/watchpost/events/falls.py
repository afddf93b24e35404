"""What makes a fall of one person's boxes: upright, a quick drop, then lying for the confirmation time.

The drop keeps it honest: without it, everybody who rests on the floor would have fallen. Heights are taken in units of
the person's own usual height in the picture, so that near and far people are judged alike.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from statistics import median

from watchpost.contracts.records import DetectedObject, Posture
from watchpost.events.rules import FallRules
from watchpost.vision.geometry import FractionBox

__all__ = ["FallChange", "FallState", "PersonState", "fall_lost", "fall_step"]

_MICROSECONDS = 1_000_000
_TRAIL_US = 4 * _MICROSECONDS
_HEIGHTS_KEPT = 15


class FallChange(StrEnum):
    """What a frame did to a person's fall."""

    OPENED = "opened"
    CONFIRMED = "confirmed"
    ENDED = "ended"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Sighting:
    """One frame's view of the person, in fractions of the frame's height."""

    at_us: int
    top: float
    height: float
    posture: Posture


@dataclass(frozen=True, slots=True)
class FallState:
    """A fall under way. The shell of ids and revisions is the caller's."""

    event_id: str
    revision: int
    opened_us: int
    confirmed: bool
    box: FractionBox
    confidence: float


@dataclass(frozen=True, slots=True)
class PersonState:
    """What is remembered of one track: a few seconds of sightings, the usual height, and how far a fall has come."""

    track_id: int
    trail: tuple[Sighting, ...] = ()
    heights: tuple[float, ...] = ()
    armed_until_us: int = 0
    top_before: float = 0.0
    upright_since_us: int | None = None
    quiet_until_us: int = 0
    seen_us: int = 0
    box: FractionBox | None = None
    fall: FallState | None = None

    def renamed(self, track_id: int) -> "PersonState":
        """The same person under another track."""
        return replace(self, track_id=track_id)


def fall_step(
    person: PersonState, seen: DetectedObject, at_us: int, event_id: str | None, rules: FallRules
) -> tuple[PersonState, FallChange | None]:
    """The person after one more sighting, and what became of their fall.

    `event_id` names the fall if one opens; None where none may: a fall was told of who lies there.
    """
    person = _armed(_remembered(person, seen, at_us), at_us, rules)
    if person.fall is None:
        return _perhaps_opened(person, seen, at_us, event_id, rules)
    if person.upright_since_us is not None and at_us - person.upright_since_us >= rules.upright_s * _MICROSECONDS:
        return _closed(person, at_us, rules)
    if person.fall.confirmed:
        return replace(person, fall=replace(person.fall, box=seen.box)), None
    return _perhaps_confirmed(person, seen, at_us, rules)


def fall_lost(person: PersonState, at_us: int, rules: FallRules) -> tuple[PersonState, FallChange | None]:
    """The person after a frame that does not show them."""
    if person.fall is None or at_us - person.seen_us < rules.lost_s * _MICROSECONDS:
        return person, None
    return _closed(person, at_us, rules)


def _remembered(person: PersonState, seen: DetectedObject, at_us: int) -> PersonState:
    sighting = Sighting(at_us, seen.box.y0, seen.box.height, seen.posture)
    kept = tuple(past for past in person.trail if at_us - past.at_us <= _TRAIL_US)
    standing = seen.posture is Posture.UPRIGHT
    return replace(
        person,
        trail=(*kept, sighting),
        heights=(*person.heights, seen.box.height)[-_HEIGHTS_KEPT:] if standing else person.heights,
        upright_since_us=(person.upright_since_us or at_us) if standing else None,
        seen_us=at_us,
        box=seen.box,
    )


def _armed(person: PersonState, at_us: int, rules: FallRules) -> PersonState:
    if not person.heights:
        return person
    since_us = at_us - round(rules.drop_within_s * _MICROSECONDS)
    # nobody saw what lay between the last two sightings: who stood at the one and lies at the other dropped
    since_us = min(since_us, person.trail[-2].at_us) if len(person.trail) > 1 else since_us
    highest = _up_before(person, since_us, rules)
    if highest is None or person.trail[-1].top - highest < rules.drop * median(person.heights):
        return person
    still_armed = at_us <= person.armed_until_us
    return replace(
        person,
        armed_until_us=at_us + round(rules.armed_s * _MICROSECONDS),
        top_before=min(highest, person.top_before) if still_armed else highest,
    )


def _up_before(person: PersonState, since_us: int, rules: FallRules) -> float | None:
    """The highest top since then of the person upright, leaving out boxes that took in a passer-by.

    Such a box is higher than the person, or shoots up from one frame to the next.
    """
    usual = median(person.heights)
    before = (person.trail[0], *person.trail)
    return min(
        (
            past.top
            for previous, past in zip(before, person.trail, strict=False)
            if past.at_us >= since_us
            and past.posture is Posture.UPRIGHT
            and past.height <= rules.not_higher * usual
            and previous.top - past.top <= rules.not_rising * usual
        ),
        default=None,
    )


def _perhaps_opened(
    person: PersonState, seen: DetectedObject, at_us: int, event_id: str | None, rules: FallRules
) -> tuple[PersonState, FallChange | None]:
    if (
        event_id is None
        or at_us > person.armed_until_us
        or at_us < person.quiet_until_us
        or not _down(person, seen, rules)
    ):
        return person, None
    opened = FallState(event_id, 1, at_us, confirmed=False, box=seen.box, confidence=seen.posture_score)
    return replace(person, fall=opened), FallChange.OPENED


def _perhaps_confirmed(
    person: PersonState, seen: DetectedObject, at_us: int, rules: FallRules
) -> tuple[PersonState, FallChange | None]:
    fall = person.fall
    if fall is None:
        return person, None
    window = [past for past in person.trail if past.at_us >= fall.opened_us]
    # at uneven intervals (5 of 18 frames a second) 0.6 s never falls on a frame: half an interval is given
    elapsed_us = at_us - fall.opened_us
    if elapsed_us + elapsed_us / max(1, len(window) - 1) / 2 < rules.confirm_s * _MICROSECONDS:
        return person, None
    lying = sum(past.posture is Posture.LYING for past in window)
    if _down(person, seen, rules) and lying >= rules.confirm_share * len(window):
        confidence = min(1.0, (fall.confidence + seen.posture_score) / 2)
        confirmed = replace(fall, confirmed=True, box=seen.box, confidence=confidence, revision=fall.revision + 1)
        return replace(person, fall=confirmed), FallChange.CONFIRMED
    if at_us > person.armed_until_us:
        return _closed(person, at_us, rules)
    return person, None


def _down(person: PersonState, seen: DetectedObject, rules: FallRules) -> bool:
    sunk = seen.box.y0 - person.top_before
    return seen.posture is Posture.LYING and bool(person.heights) and sunk >= rules.low * median(person.heights)


def _closed(person: PersonState, at_us: int, rules: FallRules) -> tuple[PersonState, FallChange]:
    fall = person.fall
    if fall is None or not fall.confirmed:
        return replace(person, fall=None), FallChange.WITHDRAWN
    quiet_until_us = at_us + round(rules.cool_down_s * _MICROSECONDS)
    return replace(person, fall=None, quiet_until_us=quiet_until_us), FallChange.ENDED
