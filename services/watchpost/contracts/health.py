"""Makes the events by which a site tells of its own health: no person is in them, and nobody doubts them."""

from dataclasses import replace
from datetime import datetime

from watchpost.contracts.records import CameraId, EventChanged, EventPhase, EventType, Provenance, SiteId

__all__ = ["end_of", "health_event"]


def health_event(  # noqa: PLR0913  (what differs from one such event to another)
    event_id: str,
    site: SiteId,
    camera: CameraId,
    kind: EventType,
    *,
    opened_at: datetime,
    at: datetime,
    detail: str,
    provenance: Provenance,
) -> EventChanged:
    """The first revision, confirmed."""
    return EventChanged(
        event_id=event_id,
        revision=1,
        site=site,
        camera=camera,
        type=kind,
        phase=EventPhase.CONFIRMED,
        opened_at=opened_at,
        at=at,
        confidence=1.0,
        person_count=None,
        box=None,
        thumbnail_id=None,
        clip_uri=None,
        verdict=None,
        detail=detail,
        provenance=provenance,
    )


def end_of(event: EventChanged, at: datetime, detail: str) -> EventChanged:
    """The event's last revision."""
    return replace(event, revision=event.revision + 1, phase=EventPhase.ENDED, at=at, detail=detail)
