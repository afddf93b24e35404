"""What frames ask for beside the records that tell of them: pictures, and of ingest more frames.

Those are a burst around an event, and frames of somebody who is followed and keeps still. The latter is asked for again
and again, since a command may be lost on its way to a camera that just starts; when, is told by the frames' own times
and the tracks alone, so that a replay asks for the same.
"""

from dataclasses import replace
from datetime import timedelta

from watchpost.contracts.camera_parts import UplinkMode, UplinkReason
from watchpost.contracts.records import (
    Command,
    CommandKind,
    EventChanged,
    EventType,
    FrameAnalyzed,
    SkipReason,
    ThumbnailReason,
)
from watchpost.events.identity import command_id, thumbnail_id
from watchpost.events.outputs import ThumbnailRequest
from watchpost.events.rules import EventRules, FollowRules
from watchpost.events.state import CameraState
from watchpost.events.uplink import with_uplinked
from watchpost.vision.tracking import Track

__all__ = ["bursts", "follows", "marked", "thumbnails"]

_MICROSECONDS = 1_000_000
_REASONS = {UplinkReason.SAMPLED: ThumbnailReason.SAMPLED, UplinkReason.CHANGED: ThumbnailReason.CHANGED}
_PIXELS_GONE = frozenset({SkipReason.FRAME_GONE, SkipReason.FRAME_CORRUPT})
# what takes seconds is told by frames at full rate; loitering and crowds take minutes, and their frames are there
_BURSTING = frozenset({EventType.FALL_DETECTED, EventType.INTRUSION})


def thumbnails(
    state: CameraState, frame: FrameAnalyzed, at_us: int, confirmed: tuple[EventChanged, ...], rules: EventRules
) -> tuple[CameraState, tuple[ThumbnailRequest, ...]]:
    """The pictures to be cut from this analysed frame, those of events first: for the interval, and all in `full`."""
    requests = [_thumbnail(frame, ThumbnailReason.EVENT, event.event_id) for event in confirmed]
    interval_s = frame.assignment.thumbnail_interval_s
    if interval_s > 0 and _due(state.thumbnail_us, at_us, interval_s):
        requests.append(_thumbnail(frame, ThumbnailReason.INTERVAL))
        state = replace(state, thumbnail_us=at_us)
    if frame.assignment.uplink_mode is UplinkMode.FULL and _due(state.sampled_us, at_us, rules.full_every_s):
        requests.append(_thumbnail(frame, ThumbnailReason.SAMPLED, width_px=frame.image.width))
        state = replace(state, sampled_us=at_us)
    return state, tuple(requests)


def marked(
    state: CameraState, frame: FrameAnalyzed, at_us: int, rules: EventRules
) -> tuple[CameraState, tuple[ThumbnailRequest, ...]]:
    """The picture of a frame that ingest marked to go up, whether or not anybody looked at it, once a frame."""
    if frame.uplink_reason is None or frame.skipped in _PIXELS_GONE:
        return state, ()
    uplinked = with_uplinked(state.uplinked, at_us)
    if uplinked == state.uplinked:
        return state, ()
    request = _thumbnail(frame, _REASONS[frame.uplink_reason], width_px=rules.uplink_width_px)
    return replace(state, uplinked=uplinked), (request,)


def bursts(confirmed: tuple[EventChanged, ...], rules: EventRules) -> tuple[Command, ...]:
    """The commands that confirmed events give to ingest."""
    return tuple(_burst(event, rules) for event in confirmed if event.type in _BURSTING)


def follows(before: CameraState, after: CameraState, frame: FrameAnalyzed, rules: EventRules) -> tuple[Command, ...]:
    """The command that this frame, which led from `before` to `after`, gives for the sake of who is followed.

    It comes with the first frame of whoever lives long enough, in each span of time after that, and with the first
    frame without.
    """
    follow = rules.follow
    if frame.analyzed_at - frame.captured_at > timedelta(milliseconds=follow.after_ms):
        return ()  # over before anybody reads it
    followed, goes_on = _somebody_lives(after, rules), _span(before, follow) == _span(after, follow)
    if followed == _somebody_lives(before, rules) and (goes_on or not followed):
        return ()
    return (_follow(frame, follow),)


def _somebody_lives(state: CameraState, rules: EventRules) -> bool:
    """Whether somebody is followed; the tracks stay as they were where the camera is not asked for them any more."""
    lost_before_us = (state.seen_us or 0) - rules.tracking.lost_s * _MICROSECONDS
    return any(track.seen_us >= lost_before_us and _is_somebody(track, rules.follow) for track in state.tracks.live)


def _is_somebody(track: Track, follow: FollowRules) -> bool:
    known_us = track.seen_us - track.first_seen_us
    return track.sightings >= follow.sightings and known_us >= follow.known_s * _MICROSECONDS


def _span(state: CameraState, follow: FollowRules) -> int:
    return (state.seen_us or 0) // round(follow.every_s * _MICROSECONDS)


def _due(last_us: int | None, at_us: int, every_s: float) -> bool:
    return last_us is None or at_us - last_us >= every_s * _MICROSECONDS


def _thumbnail(
    frame: FrameAnalyzed, reason: ThumbnailReason, of_event: str | None = None, width_px: int | None = None
) -> ThumbnailRequest:
    # one frame may give a picture for its interval and one that goes up besides: two pictures, two ids
    cut_for = of_event if width_px is None else reason.value
    return ThumbnailRequest(
        thumbnail_id=thumbnail_id(frame.site, frame.camera, frame.frame_id, cut_for),
        frame_id=frame.frame_id,
        image=frame.image,
        event_id=of_event,
        reason=reason,
        taken_at=frame.captured_at,
        width_px=width_px,
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


def _follow(frame: FrameAnalyzed, follow: FollowRules) -> Command:
    return Command(
        command_id=command_id(frame.frame_id, CommandKind.FOLLOW),
        site=frame.site,
        camera=frame.camera,
        kind=CommandKind.FOLLOW,
        requested_at=frame.captured_at,
        around=frame.captured_at,
        before_ms=0,
        after_ms=follow.after_ms,
        event_id=None,
        requested_by="events",
    )
