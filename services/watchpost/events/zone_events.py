"""What a frame does to the intrusions, loiterings and crowds of a camera's zones."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from statistics import fmean

from watchpost.contracts.records import EventChanged, Zone, ZoneKind
from watchpost.events.following import Followed
from watchpost.events.stays import Look, Stay, closed, stay_step
from watchpost.events.visitors import Visitor, recognised, remembered
from watchpost.events.zone_scene import ZoneScene, hull

__all__ = ["ZoneMemory", "zone_events"]

_MICROSECONDS = 1_000_000


@dataclass(frozen=True, slots=True)
class ZoneMemory:
    """The zones as the last frame knew them, who is in them, and the crowds there."""

    zones: tuple[Zone, ...] = ()
    visitors: tuple[Visitor, ...] = ()
    crowds: tuple[Stay, ...] = ()


def zone_events(
    memory: ZoneMemory, scene: ZoneScene, shown: tuple[Followed, ...]
) -> tuple[ZoneMemory, tuple[EventChanged, ...]]:
    """The memory after a frame that shows these people, and what is to be told of it."""
    memory, events = _without_changed_zones(memory, scene)
    waiting = _lost_closed(memory.visitors, {person.track_id for person in shown}, scene, events)
    visitors = recognised(waiting, shown, scene.at_us, scene.rules.zone)
    for person in shown:
        visitors[person.track_id] = _visited(visitors.get(person.track_id), person, scene, events)
    crowds = tuple(_crowds(memory.crowds, scene, events))
    return ZoneMemory(scene.zones, remembered(visitors.values(), scene.at_us), crowds), tuple(events)


def _without_changed_zones(memory: ZoneMemory, scene: ZoneScene) -> tuple[ZoneMemory, list[EventChanged]]:
    """The memory without zones that are gone or are not what they were: their events end."""
    changed = {zone.name: zone for zone in memory.zones if zone not in scene.zones}
    if not changed:
        return memory, []
    stays = [stay for visitor in memory.visitors for stay in visitor.stays] + list(memory.crowds)
    events = [
        event
        for stay in stays
        if stay.zone in changed
        for event in scene.told(
            changed[stay.zone], closed(stay, scene.at_us, scene.rules.zone)[1], "the zone was removed or changed"
        )
    ]
    visitors = tuple(
        replace(visitor, stays=tuple(stay for stay in visitor.stays if stay.zone not in changed))
        for visitor in memory.visitors
    )
    crowds = tuple(stay for stay in memory.crowds if stay.zone not in changed)
    return replace(memory, visitors=visitors, crowds=crowds), events


def _lost_closed(
    visitors: Iterable[Visitor], shown: set[int], scene: ZoneScene, events: list[EventChanged]
) -> list[Visitor]:
    """The visitors, with the stays over of those who were not seen for too long."""
    zones = {zone.name: zone for zone in scene.zones}
    after = []
    for visitor in visitors:
        unseen_us = scene.at_us - visitor.seen_us
        if visitor.track_id in shown or unseen_us < scene.rules.zone.lost_s * _MICROSECONDS:
            after.append(visitor)
            continue
        stays = []
        for stay in visitor.stays:
            over, notice = closed(stay, scene.at_us, scene.rules.zone)
            events += scene.told(zones[stay.zone], notice)
            stays.append(over)
        after.append(replace(visitor, stays=tuple(stays)))
    return after


def _visited(before: Visitor | None, person: Followed, scene: ZoneScene, events: list[EventChanged]) -> Visitor:
    """The person after this frame, with a stay for each zone in which they are or were."""
    box, score = person.detected.box, person.detected.score
    stays = {stay.zone: stay for stay in before.stays} if before else {}
    for zone in scene.zones:
        inside = person in scene.inside[zone.name] and scene.filled(zone)
        if zone.kind is not ZoneKind.CROWD and (inside or zone.name in stays):
            stay = stays.get(zone.name, Stay(zone.name))
            look = Look(scene.at_us, inside, box, score)
            name = scene.event_id(zone, person.ordinal)
            stays[zone.name], notice = stay_step(stay, look, zone, name, scene.rules.zone)
            events += scene.told(zone, notice)
    return Visitor(person.track_id, box, scene.at_us, tuple(stays.values()))


def _crowds(crowds: Iterable[Stay], scene: ZoneScene, events: list[EventChanged]) -> Iterable[Stay]:
    """The crowds after this frame: one for each zone that holds or has just held one."""
    before = {stay.zone: stay for stay in crowds}
    for zone in scene.zones:
        inside = scene.inside[zone.name]
        crowded = scene.filled(zone)
        if zone.kind is ZoneKind.CROWD and (crowded or zone.name in before):
            score = fmean(person.detected.score for person in inside) if crowded else 0.0
            look = Look(scene.at_us, crowded, hull(inside), score)
            stay = before.get(zone.name, Stay(zone.name))
            stay, notice = stay_step(stay, look, zone, scene.event_id(zone), scene.rules.zone)
            events += scene.told(zone, notice)
            if stay.matters(scene.at_us):
                yield stay
