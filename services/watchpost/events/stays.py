"""How single looks at a zone become an event: somebody, or a crowd, is in it, stays, and leaves.

Each look votes for the time since the look before: inside at both ends speaks for the stay, outside at both ends
against an intrusion or a crowd (who loiters may go away for a while), and one of each, as feet on the border flicker,
for neither. So a few wrong looks delay an event and make none.
"""

from dataclasses import dataclass, replace

from watchpost.contracts.records import EventPhase, Zone, ZoneKind
from watchpost.events.rules import ZoneRules
from watchpost.events.telling import Notice
from watchpost.vision.geometry import FractionBox

__all__ = ["Incident", "Look", "Stay", "closed", "stay_step"]

_MICROSECONDS = 1_000_000


@dataclass(frozen=True, slots=True)
class Look:
    """What one frame says of a stay. Without anybody inside there is no box."""

    at_us: int
    inside: bool
    box: FractionBox | None
    score: float


@dataclass(frozen=True, slots=True)
class Incident:
    """The event that a stay has opened."""

    event_id: str
    revision: int
    opened_us: int
    confirmed: bool


@dataclass(frozen=True, slots=True)
class Stay:
    """One person's, or one crowd's, stay in a zone.

    Args:
        zone: the zone's name.
        inside: what the last look said ...
        looked_us: ... and when that was.
        inside_us: when a look last said inside.
        held_us: the time that the looks have voted for, no more than the zone asks.
        looks: how many looks said inside ...
        confidence: ... and the mean score of the detections in these.
        box: where they were seen inside last.
        quiet_until_us: before this nothing is opened: an event has just ended.
        wary_until_us: before this no candidate is told: one was just withdrawn.
        incident: the event under way.

    """

    zone: str
    inside: bool = False
    looked_us: int = 0
    inside_us: int = 0
    held_us: int = 0
    looks: int = 0
    confidence: float = 0.0
    box: FractionBox | None = None
    quiet_until_us: int = 0
    wary_until_us: int = 0
    incident: Incident | None = None

    def matters(self, at_us: int) -> bool:
        """Whether anything would be judged otherwise if this were forgotten."""
        cooling = at_us < max(self.quiet_until_us, self.wary_until_us)
        return self.incident is not None or self.inside or self.held_us > 0 or cooling


def stay_step(stay: Stay, look: Look, zone: Zone, event_id: str, rules: ZoneRules) -> tuple[Stay, Notice | None]:
    """The stay after one more look, and what is to be told of it. `event_id` names the event if one opens."""
    stay = _looked(stay, look, zone, rules)
    patience_s = rules.away_s if zone.kind is ZoneKind.LOITERING else rules.left_s
    if look.at_us - stay.inside_us >= patience_s * _MICROSECONDS:
        return closed(stay, look.at_us, rules)
    if not look.inside or look.at_us < stay.quiet_until_us:
        return stay, None
    return _advanced(stay, look.at_us, zone, event_id, rules)


def closed(stay: Stay, at_us: int, rules: ZoneRules) -> tuple[Stay, Notice | None]:
    """The stay when it is over, and the end of its event if it had one."""
    over = replace(stay, inside=False, held_us=0, looks=0, confidence=0.0, incident=None)
    if stay.incident is None:
        return over, None
    quiet_until_us = at_us + round(rules.cool_down_s * _MICROSECONDS)
    last = replace(stay.incident, revision=stay.incident.revision + 1)
    if last.confirmed:
        return replace(over, quiet_until_us=quiet_until_us), _notice(stay, last, EventPhase.ENDED)
    return replace(over, wary_until_us=quiet_until_us), _notice(stay, last, EventPhase.WITHDRAWN)


def _looked(stay: Stay, look: Look, zone: Zone, rules: ZoneRules) -> Stay:
    stay = replace(
        stay,
        inside=look.inside,
        looked_us=look.at_us,
        held_us=min(_held_us(stay, look, zone, rules), _asked_us(zone)),
    )
    if not look.inside:
        return stay
    looks = stay.looks + 1
    confidence = stay.confidence + (look.score - stay.confidence) / looks
    return replace(stay, inside_us=look.at_us, looks=looks, confidence=confidence, box=look.box)


def _held_us(stay: Stay, look: Look, zone: Zone, rules: ZoneRules) -> int:
    gap_us = look.at_us - stay.looked_us
    if gap_us > rules.lost_s * _MICROSECONDS:
        return 0  # the first look, or nobody knows what was in between
    if stay.inside and look.inside:
        return stay.held_us + gap_us
    if stay.inside or look.inside or zone.kind is ZoneKind.LOITERING:
        return stay.held_us
    return max(0, stay.held_us - gap_us)


def _asked_us(zone: Zone) -> int:
    return round(zone.after_s * _MICROSECONDS)


def _advanced(stay: Stay, at_us: int, zone: Zone, event_id: str, rules: ZoneRules) -> tuple[Stay, Notice | None]:
    if stay.incident is not None and stay.incident.confirmed:
        return stay, None
    if stay.held_us >= _asked_us(zone):
        # where frames lie further apart than the zone's time there is no candidate before
        before = stay.incident or Incident(event_id, 0, at_us, confirmed=False)
        return _opened(stay, replace(before, revision=before.revision + 1, confirmed=True), EventPhase.CONFIRMED)
    enough = stay.held_us >= rules.candidate_share * _asked_us(zone)
    if stay.incident is None and enough and at_us >= stay.wary_until_us:
        return _opened(stay, Incident(event_id, 1, at_us, confirmed=False), EventPhase.CANDIDATE)
    return stay, None


def _opened(stay: Stay, incident: Incident, phase: EventPhase) -> tuple[Stay, Notice]:
    return replace(stay, incident=incident), _notice(stay, incident, phase)


def _notice(stay: Stay, incident: Incident, phase: EventPhase) -> Notice:
    return Notice(incident.event_id, incident.revision, phase, incident.opened_us, stay.box, stay.confidence)
