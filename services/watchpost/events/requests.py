"""What events ask for beside the record that tells them: pictures of the frame, and a burst of frames around it."""

from dataclasses import replace

from watchpost.contracts.records import (
    Command,
    CommandKind,
    EventChanged,
    EventType,
    FrameAnalyzed,
    ThumbnailReason,
)
from watchpost.events.identity import command_id, thumbnail_id
from watchpost.events.outputs import ThumbnailRequest
from watchpost.events.rules import EventRules
from watchpost.events.state import CameraState

__all__ = ["bursts", "thumbnails"]

_MICROSECONDS = 1_000_000
# what takes seconds is told by frames at full rate; loitering and crowds take minutes, and their frames are there
_BURSTING = frozenset({EventType.FALL_DETECTED, EventType.INTRUSION})


def thumbnails(
    state: CameraState, frame: FrameAnalyzed, at_us: int, confirmed: tuple[EventChanged, ...], rules: EventRules
) -> tuple[CameraState, tuple[ThumbnailRequest, ...]]:
    """The pictures to be cut from this frame, those of events first: for the interval, and sampled ones if asked."""
    requests = [_thumbnail(frame, ThumbnailReason.EVENT, event.event_id) for event in confirmed]
    interval_s = frame.assignment.thumbnail_interval_s
    if interval_s > 0 and _due(state.thumbnail_us, at_us, interval_s):
        requests.append(_thumbnail(frame, ThumbnailReason.INTERVAL))
        state = replace(state, thumbnail_us=at_us)
    if not frame.assignment.bandwidth_saving and _due(state.sampled_us, at_us, rules.sampled_every_s):
        requests.append(_thumbnail(frame, ThumbnailReason.SAMPLED))
        state = replace(state, sampled_us=at_us)
    return state, tuple(requests)


def bursts(confirmed: tuple[EventChanged, ...], rules: EventRules) -> tuple[Command, ...]:
    """The commands that confirmed events give to ingest."""
    return tuple(_burst(event, rules) for event in confirmed if event.type in _BURSTING)


def _due(last_us: int | None, at_us: int, every_s: float) -> bool:
    return last_us is None or at_us - last_us >= every_s * _MICROSECONDS


def _thumbnail(frame: FrameAnalyzed, reason: ThumbnailReason, of_event: str | None = None) -> ThumbnailRequest:
    # one frame may give a picture for its interval and a sample: two pictures, two ids
    cut_for = reason.value if reason is ThumbnailReason.SAMPLED else of_event
    return ThumbnailRequest(
        thumbnail_id=thumbnail_id(frame.site, frame.camera, frame.frame_id, cut_for),
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
