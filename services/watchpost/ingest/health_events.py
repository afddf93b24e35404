"""Makes the events by which ingest tells that a camera went or came, or is obscured."""

from datetime import UTC, datetime, timedelta

from watchpost import __version__
from watchpost.contracts.identity import health_event_id
from watchpost.contracts.records import CameraSpec, EventChanged, EventPhase, EventType, Provenance, SiteId
from watchpost.ingest.obscured import ObscuredTurn
from watchpost.ingest.presence import Turn

__all__ = ["health_event", "obscured_event"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


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


def obscured_event(turn: ObscuredTurn, site: SiteId, spec: CameraSpec, session: str) -> EventChanged:
    """The revision of `turn`: the first is confirmed, the second ends the event. `session`: the worker's life."""
    kind = EventType.CAMERA_OBSCURED
    return EventChanged(
        event_id=health_event_id(site, spec.camera, kind, session, turn.number),
        revision=1 if turn.obscured else 2,
        site=site,
        camera=spec.camera,
        type=kind,
        phase=EventPhase.CONFIRMED if turn.obscured else EventPhase.ENDED,
        opened_at=_EPOCH + timedelta(microseconds=turn.since_us),
        at=_EPOCH + timedelta(microseconds=turn.at_us),
        confidence=1.0,
        person_count=None,
        box=None,
        thumbnail_id=None,
        clip_uri=None,
        verdict=None,
        detail=turn.detail,
        provenance=Provenance("", "", "", "", spec.config_version, __version__),
    )
