"""What a frame does to the falls of all the people whom it shows or misses."""

from dataclasses import replace

from watchpost.contracts.records import EventChanged, EventPhase, EventType, FrameAnalyzed, Posture
from watchpost.events.adoption import adopted
from watchpost.events.falls import FallChange, FallState, PersonState, fall_lost, fall_step
from watchpost.events.following import Followed, people_in
from watchpost.events.identity import event_id
from watchpost.events.places import is_taken, refreshed
from watchpost.events.rules import EventRules
from watchpost.events.state import CameraState
from watchpost.events.telling import Notice, told

__all__ = ["fall_events"]

_PHASES = {
    FallChange.OPENED: EventPhase.CANDIDATE,
    FallChange.CONFIRMED: EventPhase.CONFIRMED,
    FallChange.ENDED: EventPhase.ENDED,
    FallChange.WITHDRAWN: EventPhase.WITHDRAWN,
}


def fall_events(
    state: CameraState, frame: FrameAnalyzed, shown: tuple[Followed, ...], at_us: int, rules: EventRules
) -> tuple[CameraState, tuple[EventChanged, ...]]:
    """The state after a frame whose people the tracker has taken in already, and what is to be told of falls."""
    sighted = {person.track_id: person for person in shown}
    known = adopted(
        {person.track_id: person for person in state.people},
        {person.track_id: person.detected for person in shown},
        at_us,
        rules.fall,
    )
    people: list[PersonState] = []
    events: list[EventChanged] = []
    for track_id in sorted(known.keys() | sighted.keys()):
        before = known.get(track_id, PersonState(track_id))
        after, change = _after(before, sighted.get(track_id), state, frame, at_us, rules)
        if change is not None:
            notice = _notice(before.fall, after.fall, change)
            events.append(told(notice, EventType.FALL_DETECTED, frame, rules, frame.person_count))
        people.append(after)
    live = {track.id for track in state.tracks.live}
    kept = tuple(person for person in people if person.track_id in live or person.fall is not None)
    places = refreshed(
        state.places,
        [event.box for event in events if event.phase is EventPhase.CONFIRMED and event.box is not None],
        tuple(detected.box for detected in people_in(frame) if detected.posture is Posture.LYING),
        at_us,
        rules.fall.cool_down_s,
    )
    return replace(state, people=kept, places=places), tuple(events)


def _after(
    before: PersonState,
    shown: Followed | None,
    state: CameraState,
    frame: FrameAnalyzed,
    at_us: int,
    rules: EventRules,
) -> tuple[PersonState, FallChange | None]:
    if shown is None:
        return fall_lost(before, at_us, rules.fall)
    taken = is_taken(state.places, shown.detected.box) or state.answers.told_of_a_fall(at_us)
    name = event_id(state.site, state.camera, EventType.FALL_DETECTED, frame.frame_id, shown.ordinal)
    return fall_step(before, shown.detected, at_us, None if taken else name, rules.fall)


def _notice(before: FallState | None, after: FallState | None, change: FallChange) -> Notice:
    fall = after or before
    if fall is None:
        raise AssertionError(f"a fall was {change} that never was")
    revision = fall.revision + 1 if after is None else fall.revision
    return Notice(fall.event_id, revision, _PHASES[change], fall.opened_us, fall.box, fall.confidence)
