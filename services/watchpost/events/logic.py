"""The event logic of one camera as a pure function: the truth that the service, its replays and the tests share.

    state = initial_state(SiteId("shop"), CameraId("door"))
    for frame in observations_of_that_camera:
        state, outputs = step(state, frame, EventRules(config_version="1"))

It reads no clock: time is the frames' captured_at. Frames that were skipped, burst frames, and frames that are not
newer than the newest one taken in change nothing and give nothing but the picture that ingest marked to go up.
"""

from dataclasses import replace

from watchpost.clock import epoch_us
from watchpost.contracts.records import (
    CaptureReason,
    EventChanged,
    EventPhase,
    EventType,
    FrameAnalyzed,
    Task,
)
from watchpost.events.answer_events import answer_events
from watchpost.events.counts import count_step
from watchpost.events.fall_events import fall_events
from watchpost.events.following import followed, people_in
from watchpost.events.identity import event_id
from watchpost.events.outputs import Outputs, ThumbnailRequest
from watchpost.events.requests import bursts, follows, marked, thumbnails
from watchpost.events.rules import AnswerRules, EventRules, FallRules, FollowRules, ZoneRules
from watchpost.events.state import CameraState, decode_state, encode_state, initial_state
from watchpost.events.telling import Notice, told
from watchpost.events.zone_events import zone_events
from watchpost.events.zone_scene import zone_scene

__all__ = [
    "AnswerRules",
    "CameraState",
    "EventRules",
    "FallRules",
    "FollowRules",
    "Outputs",
    "ThumbnailRequest",
    "ZoneRules",
    "decode_state",
    "encode_state",
    "initial_state",
    "step",
]


def step(state: CameraState, frame: FrameAnalyzed, rules: EventRules) -> tuple[CameraState, Outputs]:
    """The camera's state after one more frame, and what that frame gives rise to.

    Raises ValueError for a frame of another camera: a state must never see one.
    """
    if (frame.site, frame.camera) != (state.site, state.camera):
        raise ValueError(f"a frame of {frame.site}/{frame.camera} came to the state of {state.site}/{state.camera}")
    at_us = epoch_us(frame.captured_at)
    state, uplinked = marked(state, frame, at_us, rules)
    known = state.seen_us is not None and at_us <= state.seen_us
    if known or frame.skipped is not None or frame.reason is CaptureReason.BURST:
        return state, Outputs(thumbnails=uplinked)
    before, state = state, replace(state, seen_us=at_us)
    state, abnormal = _abnormal_events(state, frame, at_us, rules)
    fall_is_known = bool(state.places) or any(person.fall is not None for person in state.people)
    answers, asked = answer_events(state.answers, frame, at_us, rules, fall_is_known=fall_is_known)
    state = replace(state, answers=answers)
    counts: tuple[EventChanged, ...] = ()
    if Task.PERSON_DETECTION in frame.assignment.tasks:
        state, counts = _count_events(state, frame, at_us, rules)
    confirmed = tuple(event for event in (*abnormal, *asked) if event.phase is EventPhase.CONFIRMED)
    state, pictures = thumbnails(state, frame, at_us, confirmed, rules)
    commands = (*bursts(confirmed, rules), *follows(before, state, frame, rules))
    return state, Outputs((*abnormal, *asked, *counts), (*pictures, *uplinked), commands)


def _abnormal_events(
    state: CameraState, frame: FrameAnalyzed, at_us: int, rules: EventRules
) -> tuple[CameraState, tuple[EventChanged, ...]]:
    """Falls everywhere; intrusion, loitering and crowds in their zones. Without the task every zone is gone."""
    if Task.ABNORMAL_BEHAVIOR not in frame.assignment.tasks:
        zones, ended = zone_events(state.zones, zone_scene(frame, (), (), at_us, rules), ())
        return replace(state, zones=zones), ended
    tracks, shown = followed(state.tracks, frame, at_us, rules.tracking)
    state, falls = fall_events(replace(state, tracks=tracks), frame, shown, at_us, rules)
    scene = zone_scene(frame, frame.assignment.zones, shown, at_us, rules)
    zones, visits = zone_events(state.zones, scene, shown)
    return replace(state, zones=zones), (*falls, *visits)


def _count_events(
    state: CameraState, frame: FrameAnalyzed, at_us: int, rules: EventRules
) -> tuple[CameraState, tuple[EventChanged, ...]]:
    count, said = count_step(state.count, frame.person_count, at_us, rules.count_settle_s, rules.count_interval_s)
    state = replace(state, count=count)
    if said is None:
        return state, ()
    name = event_id(state.site, state.camera, EventType.PERSON_COUNT, frame.frame_id, 0)
    confidence = min((seen.score for seen in people_in(frame)), default=1.0)
    sample = Notice(name, 1, EventPhase.SAMPLE, at_us, None, confidence)
    return state, (told(sample, EventType.PERSON_COUNT, frame, rules, said),)
