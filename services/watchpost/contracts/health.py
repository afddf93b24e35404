"""Makes the events by which a site tells of its own health: no person is in them, and nobody doubts them."""

from datetime import datetime

from watchpost.contracts.records import CameraId, EventChanged, EventPhase, EventType, Provenance, SiteId

__all__ = ["health_event"]


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
    ends: bool = False,
) -> EventChanged:
    """The first revision, confirmed; where it `ends` the event, the second."""
    return EventChanged(
        event_id=event_id,
        revision=2 if ends else 1,
        site=site,
        camera=camera,
        type=kind,
        phase=EventPhase.ENDED if ends else EventPhase.CONFIRMED,
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
