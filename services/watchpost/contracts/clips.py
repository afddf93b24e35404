"""Says which events get a clip, and where it is: whoever tells of it, cuts, carries or shows it derives that here."""

from watchpost.contracts.records import EventChanged, EventPhase, EventType, SiteId

__all__ = ["clip_key", "clip_path", "clip_uri", "gets_clip", "had_clip"]

_WITHOUT = frozenset(
    {
        EventType.PERSON_COUNT,
        EventType.CAMERA_OFFLINE,
        EventType.CAMERA_ONLINE,
        EventType.CAMERA_OBSCURED,
        EventType.ANALYSIS_DEGRADED,
        EventType.STORAGE_LOW,
        EventType.DELIVERY_GAP,
    }
)


def gets_clip(event: EventChanged) -> bool:
    """Whether a clip is cut now that this is told: the event is confirmed, and of what cameras see."""
    return event.phase is EventPhase.CONFIRMED and event.type not in _WITHOUT


def had_clip(event: EventChanged) -> bool:
    """Whether a clip was, or will be, cut of the event as this revision shows it."""
    return event.phase in {EventPhase.CONFIRMED, EventPhase.ENDED} and event.type not in _WITHOUT


def clip_path(event_id: str) -> str:
    """Where the site's REST interface shows an event's clip."""
    return f"/events/{event_id}/clip.mp4"


def clip_key(site: SiteId, event_id: str) -> str:
    """An event's clip in the centre's object store."""
    return f"{site}/{event_id}.mp4"


def clip_uri(site: SiteId, event_id: str, store: str | None) -> str:
    """Where an event's clip is found: in the `store` that clips go up to, or at the site where there is none."""
    return clip_path(event_id) if store is None else f"{store.rstrip('/')}/{clip_key(site, event_id)}"
