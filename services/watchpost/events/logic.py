"""The event logic of one camera as a pure function: the truth that the service, its replays and the tests share.

    state = initial_state(SiteId("shop"), CameraId("door"))
    for frame in observations_of_that_camera:
        state, outputs = step(state, frame, EventRules(config_version="1"))

It reads no clock: time is the frames' captured_at. Frames that were skipped, burst frames, and frames that are not
newer than the newest one taken in change nothing and give nothing.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from watchpost.contracts.records import (
    CaptureReason,
    Command,
    CommandKind,
    DetectedObject,
    EventChanged,
    EventPhase,
    EventType,
    FrameAnalyzed,
    Posture,
    Task,
    ThumbnailReason,
)
from watchpost.events.adoption import adopted
from watchpost.events.counts import count_step
from watchpost.events.falls import FallChange, FallState, PersonState, fall_lost, fall_step
from watchpost.events.identity import command_id, event_id, ordinals, thumbnail_id
from watchpost.events.outputs import Outputs, ThumbnailRequest
from watchpost.events.places import is_taken, refreshed
from watchpost.events.rules import EventRules, FallRules
from watchpost.events.state import CameraState, decode_state, encode_state, initial_state
from watchpost.vision.tracking import Detection, follow

__all__ = [
    "CameraState",
    "EventRules",
    "FallRules",
    "Outputs",
    "ThumbnailRequest",
    "decode_state",
    "encode_state",
    "initial_state",
    "step",
]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PERSON = "person"
_PHASES = {
    FallChange.OPENED: EventPhase.CANDIDATE,
    FallChange.CONFIRMED: EventPhase.CONFIRMED,
    FallChange.ENDED: EventPhase.ENDED,
    FallChange.WITHDRAWN: EventPhase.WITHDRAWN,
}


def step(state: CameraState, frame: FrameAnalyzed, rules: EventRules) -> tuple[CameraState, Outputs]:
    """The camera's state after one more frame, and what that frame gives rise to.

    Raises ValueError for a frame of another camera: a state must never see one.
    """
    if (frame.site, frame.camera) != (state.site, state.camera):
        raise ValueError(f"a frame of {frame.site}/{frame.camera} came to the state of {state.site}/{state.camera}")
    at_us = (frame.captured_at - _EPOCH) // timedelta(microseconds=1)
    known = state.seen_us is not None and at_us <= state.seen_us
    if known or frame.skipped is not None or frame.reason is CaptureReason.BURST:
        return state, Outputs()
    state = replace(state, seen_us=at_us)
    falls: tuple[EventChanged, ...] = ()
    counts: tuple[EventChanged, ...] = ()
    if Task.ABNORMAL_BEHAVIOR in frame.assignment.tasks:
        state, falls = _fall_events(state, frame, at_us, rules)
    if Task.PERSON_DETECTION in frame.assignment.tasks:
        state, counts = _count_events(state, frame, at_us, rules)
    confirmed = tuple(event for event in falls if event.phase is EventPhase.CONFIRMED)
    state, thumbnails = _thumbnails(state, frame, at_us, confirmed)
    commands = tuple(_burst(event, rules) for event in confirmed)
    return state, Outputs((*falls, *counts), thumbnails, commands)


def _fall_events(
    state: CameraState, frame: FrameAnalyzed, at_us: int, rules: EventRules
) -> tuple[CameraState, tuple[EventChanged, ...]]:
    seen = tuple(detected for detected in frame.objects if detected.label == _PERSON)
    tracks, owners = follow(
        state.tracks, [Detection(detected.box, detected.score) for detected in seen], at_us, rules.tracking
    )
    sighted: dict[int, tuple[DetectedObject, int]] = {
        owner: (detected, ordinal)
        for owner, detected, ordinal in zip(owners, seen, ordinals(seen), strict=True)
        if owner is not None
    }
    known = adopted(
        {person.track_id: person for person in state.people},
        {owner: detected for owner, (detected, _) in sighted.items()},
        at_us,
        rules.fall,
    )
    people: list[PersonState] = []
    events: list[EventChanged] = []
    for track_id in sorted(known.keys() | sighted.keys()):
        before = known.get(track_id, PersonState(track_id))
        if track_id in sighted:
            detected, ordinal = sighted[track_id]
            name = event_id(state.site, state.camera, EventType.FALL_DETECTED, frame.frame_id, ordinal)
            told = is_taken(state.places, detected.box)
            after, change = fall_step(before, detected, at_us, None if told else name, rules.fall)
        else:
            after, change = fall_lost(before, at_us, rules.fall)
        if change is not None:
            events.append(_fall_event(frame, before.fall, after.fall, change, rules))
        people.append(after)
    followed = {track.id for track in tracks.live}
    kept = tuple(person for person in people if person.track_id in followed or person.fall is not None)
    places = refreshed(
        state.places,
        [event.box for event in events if event.phase is EventPhase.CONFIRMED and event.box is not None],
        tuple(detected.box for detected in seen if detected.posture is Posture.LYING),
        at_us,
        rules.fall.cool_down_s,
    )
    return replace(state, tracks=tracks, people=kept, places=places), tuple(events)


def _fall_event(
    frame: FrameAnalyzed, before: FallState | None, after: FallState | None, change: FallChange, rules: EventRules
) -> EventChanged:
    fall = after or before
    if fall is None:
        raise AssertionError(f"a fall was {change} that never was")
    closes = after is None
    return EventChanged(
        event_id=fall.event_id,
        revision=fall.revision + 1 if closes else fall.revision,
        site=frame.site,
        camera=frame.camera,
        type=EventType.FALL_DETECTED,
        phase=_PHASES[change],
        opened_at=_EPOCH + timedelta(microseconds=fall.opened_us),
        at=frame.captured_at,
        confidence=fall.confidence,
        person_count=frame.person_count,
        box=fall.box,
        thumbnail_id=thumbnail_id(frame.site, frame.camera, frame.frame_id, fall.event_id)
        if change is FallChange.CONFIRMED
        else None,
        clip_uri=None,
        verdict=None,
        detail=None,
        provenance=replace(frame.provenance, config_version=rules.config_version),
    )


def _count_events(
    state: CameraState, frame: FrameAnalyzed, at_us: int, rules: EventRules
) -> tuple[CameraState, tuple[EventChanged, ...]]:
    count, said = count_step(state.count, frame.person_count, at_us, rules.count_settle_s, rules.count_interval_s)
    state = replace(state, count=count)
    if said is None:
        return state, ()
    sample = EventChanged(
        event_id=event_id(state.site, state.camera, EventType.PERSON_COUNT, frame.frame_id, 0),
        revision=1,
        site=frame.site,
        camera=frame.camera,
        type=EventType.PERSON_COUNT,
        phase=EventPhase.SAMPLE,
        opened_at=frame.captured_at,
        at=frame.captured_at,
        confidence=min((seen.score for seen in frame.objects if seen.label == _PERSON), default=1.0),
        person_count=said,
        box=None,
        thumbnail_id=None,
        clip_uri=None,
        verdict=None,
        detail=None,
        provenance=replace(frame.provenance, config_version=rules.config_version),
    )
    return state, (sample,)


def _thumbnails(
    state: CameraState, frame: FrameAnalyzed, at_us: int, confirmed: tuple[EventChanged, ...]
) -> tuple[CameraState, tuple[ThumbnailRequest, ...]]:
    requests = [_thumbnail(frame, event.event_id, ThumbnailReason.EVENT) for event in confirmed]
    interval_s = frame.assignment.thumbnail_interval_s
    due = state.thumbnail_us is None or at_us - state.thumbnail_us >= interval_s * 1_000_000
    if interval_s > 0 and due:
        requests.append(_thumbnail(frame, None, ThumbnailReason.INTERVAL))
        state = replace(state, thumbnail_us=at_us)
    return state, tuple(requests)


def _thumbnail(frame: FrameAnalyzed, of_event: str | None, reason: ThumbnailReason) -> ThumbnailRequest:
    return ThumbnailRequest(
        thumbnail_id=thumbnail_id(frame.site, frame.camera, frame.frame_id, of_event),
        frame_id=frame.frame_id,
        image=frame.image,
        event_id=of_event,
        reason=reason,
        taken_at=frame.captured_at,
    )


def _burst(event: EventChanged, rules: EventRules) -> Command:
    return Command(
        command_id=command_id(event.event_id, CommandKind.BURST),
        site=event.site,
        camera=event.camera,
        kind=CommandKind.BURST,
        requested_at=event.at,
        around=event.at,
        before_ms=rules.burst_before_ms,
        after_ms=rules.burst_after_ms,
        event_id=event.event_id,
        requested_by="events",
    )
