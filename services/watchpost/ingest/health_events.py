"""Makes the events by which ingest tells that a camera went or came."""

from datetime import datetime, timedelta

from watchpost import __version__
from watchpost.contracts.identity import health_event_id
from watchpost.contracts.records import CameraSpec, EventChanged, EventPhase, Provenance, SiteId
from watchpost.ingest.presence import Turn

__all__ = ["health_event"]


def health_event(turn: Turn, site: SiteId, spec: CameraSpec, session: str, now: datetime) -> EventChanged:
    """The event of `turn`, which happened now; `detail` begins with the reason. `session`: the worker's life."""
    return EventChanged(
        event_id=health_event_id(site, spec.camera, turn.kind, session, turn.number),
        revision=1,
        site=site,
        camera=spec.camera,
        type=turn.kind,
        phase=EventPhase.CONFIRMED,
        opened_at=now - timedelta(seconds=turn.silent_s),
        at=now,
        confidence=1.0,
        person_count=None,
        box=None,
        thumbnail_id=None,
        clip_uri=None,
        verdict=None,
        detail=turn.reason,
        provenance=Provenance("", "", "", "", spec.config_version, __version__),
    )
