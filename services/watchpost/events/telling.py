"""Turns what became of an event into the record that tells it."""

from dataclasses import dataclass, replace

from watchpost.clock import from_epoch_us
from watchpost.contracts.clips import clip_uri, had_clip
from watchpost.contracts.records import EventChanged, EventPhase, FrameAnalyzed
from watchpost.events.identity import thumbnail_id
from watchpost.events.rules import EventRules
from watchpost.vision.geometry import FractionBox

__all__ = ["Notice", "told"]


@dataclass(frozen=True, slots=True)
class Notice:
    """A revision of an event, as the logic of its kind decided it."""

    event_id: str
    revision: int
    phase: EventPhase
    opened_us: int
    box: FractionBox | None
    confidence: float


def told(
    notice: Notice,
    kind: str,
    frame: FrameAnalyzed,
    rules: EventRules,
    person_count: int,
    detail: str | None = None,
) -> EventChanged:
    """The record; `kind` is an EventType or a task in words.

    A confirmed event names the thumbnail cut for it, and from then on its clip while the camera is recorded.
    """
    confirmed = notice.phase is EventPhase.CONFIRMED
    event = EventChanged(
        event_id=notice.event_id,
        revision=notice.revision,
        site=frame.site,
        camera=frame.camera,
        type=kind,
        phase=notice.phase,
        opened_at=from_epoch_us(notice.opened_us),
        at=frame.captured_at,
        confidence=notice.confidence,
        person_count=person_count,
        box=notice.box,
        thumbnail_id=thumbnail_id(frame.site, frame.camera, frame.frame_id, notice.event_id) if confirmed else None,
        clip_uri=None,
        verdict=None,
        detail=detail,
        provenance=replace(frame.provenance, config_version=rules.config_version),
    )
    if not (frame.recorded and had_clip(event)):
        return event
    return replace(event, clip_uri=clip_uri(event.site, event.event_id, rules.clip_store))
