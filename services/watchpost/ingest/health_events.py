"""Makes the events by which ingest tells that a camera went or came, or is obscured."""

from datetime import datetime, timedelta

from watchpost import __version__
from watchpost.clock import from_epoch_us
from watchpost.contracts.health import health_event
from watchpost.contracts.identity import health_event_id
from watchpost.contracts.records import CameraSpec, EventChanged, EventType, Provenance, SiteId
from watchpost.ingest.obscured import ObscuredTurn
from watchpost.ingest.presence import Turn

__all__ = ["obscured_event", "presence_event"]


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
        provenance=_provenance(spec),
    )


def obscured_event(turn: ObscuredTurn, site: SiteId, spec: CameraSpec, session: str) -> EventChanged:
    """The revision of `turn`: the first is confirmed, the second ends the event. `session`: the worker's life."""
    kind = EventType.CAMERA_OBSCURED
    return health_event(
        health_event_id(site, spec.camera, kind, session, turn.number),
        site,
        spec.camera,
        kind,
        opened_at=from_epoch_us(turn.since_us),
        at=from_epoch_us(turn.at_us),
        detail=turn.detail,
        provenance=_provenance(spec),
        ends=not turn.obscured,
    )


def _provenance(spec: CameraSpec) -> Provenance:
    return Provenance("", "", "", "", spec.config_version, __version__)
