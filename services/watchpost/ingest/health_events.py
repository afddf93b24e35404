"""Makes the events by which ingest tells that a camera went or came."""

from datetime import datetime, timedelta

from watchpost import __version__
from watchpost.contracts.health import health_event
from watchpost.contracts.identity import health_event_id
from watchpost.contracts.records import CameraSpec, EventChanged, Provenance, SiteId
from watchpost.ingest.presence import Turn

__all__ = ["presence_event"]


def presence_event(turn: Turn, site: SiteId, spec: CameraSpec, session: str, now: datetime) -> EventChanged:
    """The event of `turn`, which happened now; `detail` begins with the reason. `session`: the worker's life."""
    return health_event(
        health_event_id(site, spec.camera, turn.kind, session, turn.number),
        site,
        spec.camera,
        turn.kind,
        opened_at=now - timedelta(seconds=turn.silent_s),
        at=now,
        detail=turn.reason,
        provenance=Provenance("", "", "", "", spec.config_version, __version__),
    )
