"""What callers see of an event."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from watchpost.contracts.clips import clip_path, had_clip
from watchpost.contracts.recording_rules import may_record
from watchpost.contracts.records import CameraSpec, EventChanged, EventPhase, Verdict

__all__ = ["EventList", "EventShown", "shown_event"]


class BoxShown(BaseModel):
    """A box as fractions of the frame, origin top-left."""

    x0: float
    y0: float
    x1: float
    y1: float


class EventShown(BaseModel):
    """An event in its highest revision."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "event_id": "8a0f2b6e-5f0e-5a3b-9c57-0d9a3a1d9f6c",
                    "revision": 2,
                    "camera": "door",
                    "type": "fall_detected",
                    "phase": "confirmed",
                    "opened_at": "2026-01-05T12:05:22.400000Z",
                    "at": "2026-01-05T12:05:23.000000Z",
                    "confidence": 0.87,
                    "person_count": 3,
                    "box": {"x0": 0.4, "y0": 0.6, "x1": 0.6, "y1": 0.7},
                    "thumbnail_id": "5c1d0c5e-7b0a-5a57-8f1e-2f6a4a0e8b11",
                    "clip_uri": "/events/8a0f2b6e-5f0e-5a3b-9c57-0d9a3a1d9f6c/clip.mp4",
                    "verdict": None,
                    "detail": None,
                    "config_version": "3f2a9c1b7d4e",
                }
            ]
        }
    )

    event_id: str
    revision: int
    camera: str
    type: str = Field(
        description="`person_count`, `fall_detected`, `camera_offline`, `analysis_degraded`, …, or a task of your own"
    )
    phase: EventPhase
    opened_at: datetime = Field(description="when it began")
    at: datetime = Field(description="when it became what this revision says")
    confidence: float
    person_count: int | None
    box: BoxShown | None
    thumbnail_id: str | None = Field(description="GET /thumbnails/{thumbnail_id} shows it")
    clip_uri: str | None = Field(description="where its clip is, some seconds after it was confirmed, while it is kept")
    verdict: Verdict | None
    detail: str | None = Field(description="in words, of the site's own health")
    config_version: str


class EventList(BaseModel):
    """Events, the newest first."""

    events: list[EventShown]


def shown_event(event: EventChanged, spec: CameraSpec | None) -> EventShown:
    """The event as callers see it; `spec` is its camera's, if that is still there."""
    box = event.box
    has_clip = event.clip_uri is not None or (spec is not None and may_record(spec) and had_clip(event))
    return EventShown(
        event_id=event.event_id,
        revision=event.revision,
        camera=event.camera,
        type=event.type,
        phase=event.phase,
        opened_at=event.opened_at,
        at=event.at,
        confidence=event.confidence,
        person_count=event.person_count,
        box=None if box is None else BoxShown(x0=box.x0, y0=box.y0, x1=box.x1, y1=box.y1),
        thumbnail_id=event.thumbnail_id,
        clip_uri=clip_path(event.event_id) if has_clip else None,
        verdict=event.verdict,
        detail=event.detail,
        config_version=event.provenance.config_version,
    )
