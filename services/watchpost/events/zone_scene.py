"""One frame as its camera's zones see it: whose feet are where."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain

from watchpost.contracts.records import EventChanged, EventType, FrameAnalyzed, Zone, ZoneKind
from watchpost.events.following import Followed, people_in
from watchpost.events.identity import event_id
from watchpost.events.rules import EventRules
from watchpost.events.telling import Notice, told
from watchpost.vision.geometry import FractionBox, FractionPoint
from watchpost.vision.polygons import contains

__all__ = ["ZoneScene", "hull", "zone_scene"]


@dataclass(frozen=True, slots=True)
class ZoneScene:
    """A frame, its zones by name, and the people in each. Make it with `zone_scene`."""

    frame: FrameAnalyzed
    at_us: int
    rules: EventRules
    zones: tuple[Zone, ...]
    inside: Mapping[str, tuple[Followed, ...]]

    def filled(self, zone: Zone) -> bool:
        """Whether as many are in the zone as it asks for."""
        return len(self.inside[zone.name]) >= zone.people

    def event_id(self, zone: Zone, ordinal: int = 0) -> str:
        """The id of an event that opens now: zones sorted by name, and in each the frame's people sorted by box."""
        place = self.zones.index(zone) * len(people_in(self.frame)) + ordinal
        return event_id(self.frame.site, self.frame.camera, zone.kind.value, self.frame.frame_id, place)

    def told(self, zone: Zone, notice: Notice | None, why: str = "") -> list[EventChanged]:
        """The record of a notice, none of none. Its detail begins with the zone's name."""
        if notice is None:
            return []
        among = len(self.inside.get(zone.name, ())) if zone.kind is ZoneKind.CROWD else self.frame.person_count
        detail = f"{zone.name}: {why}" if why else zone.name
        return [told(notice, EventType(zone.kind.value), self.frame, self.rules, among, detail)]


def zone_scene(
    frame: FrameAnalyzed, zones: tuple[Zone, ...], shown: tuple[Followed, ...], at_us: int, rules: EventRules
) -> ZoneScene:
    """The scene. Of two zones of one name the last counts."""
    named = {zone.name: zone for zone in zones}
    inside = {
        name: tuple(person for person in shown if contains(zone.polygon, _feet(person.detected.box)))
        for name, zone in named.items()
    }
    return ZoneScene(frame, at_us, rules, tuple(named[name] for name in sorted(named)), inside)


def hull(people: tuple[Followed, ...]) -> FractionBox | None:
    """The box around all of them."""
    boxes = [person.detected.box for person in people]
    if not boxes:
        return None
    across = list(chain.from_iterable((box.x0, box.x1) for box in boxes))
    down = list(chain.from_iterable((box.y0, box.y1) for box in boxes))
    return FractionBox(min(across), min(down), max(across), max(down))


def _feet(box: FractionBox) -> FractionPoint:
    """The middle of the box's lower edge; a box may reach out of the picture, a zone ends with it."""
    return FractionPoint(min(max(box.center[0], 0.0), 1.0), min(max(box.y1, 0.0), 1.0))
