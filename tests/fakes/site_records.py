"""Records that a site's services write, of which each test names only what matters to it."""

from datetime import UTC, datetime

from tests.fakes.brokers import unique
from watchpost.contracts.records import (
    CameraId,
    EventChanged,
    EventPhase,
    EventType,
    Provenance,
    SiteId,
    ThumbnailReason,
    ThumbnailTaken,
)

__all__ = ["MIDNIGHT", "event", "thumbnail"]

MIDNIGHT = datetime(2026, 3, 1, tzinfo=UTC)
_PROVENANCE = Provenance("yolox-nano", "fp32", "sha256:0", "", "config-1", "0.1.0")


def event(  # noqa: PLR0913  (each test varies another of these)
    camera: str = "door",
    *,
    event_id: str | None = None,
    revision: int = 1,
    event_type: str = EventType.FALL_DETECTED,
    phase: EventPhase = EventPhase.CONFIRMED,
    opened_at: datetime | None = None,
    at: datetime = MIDNIGHT,
    confidence: float = 0.87,
    detail: str | None = None,
    thumbnail_id: str | None = None,
) -> EventChanged:
    """An event as the events service would write it."""
    return EventChanged(
        event_id=event_id or unique("event"),
        revision=revision,
        site=SiteId("shop"),
        camera=CameraId(camera),
        type=event_type,
        phase=phase,
        opened_at=opened_at or at,
        at=at,
        confidence=confidence,
        person_count=1,
        box=None,
        thumbnail_id=thumbnail_id,
        clip_uri=None,
        verdict=None,
        detail=detail,
        provenance=_PROVENANCE,
    )


def thumbnail(
    camera: str = "door", *, thumbnail_id: str | None = None, at: datetime = MIDNIGHT, jpeg: bytes = b"\xff\xd8jpeg"
) -> ThumbnailTaken:
    """A thumbnail as the events service would write it."""
    return ThumbnailTaken(
        thumbnail_id=thumbnail_id or unique("thumbnail"),
        site=SiteId("shop"),
        camera=CameraId(camera),
        event_id=None,
        taken_at=at,
        reason=ThumbnailReason.INTERVAL,
        jpeg=jpeg,
        width=320,
        height=180,
    )
