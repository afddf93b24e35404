"""How every id that a replay gives again is made: from its parts, by UUIDv5."""

from uuid import UUID, uuid5

from watchpost.contracts.records import CameraId, EventType, SiteId

__all__ = ["SITE_ITSELF", "health_event_id", "named"]

# an event of no camera's; no camera may be named so
SITE_ITSELF = CameraId("_site")

_NAMESPACE = UUID("6f0d9a52-5a0c-5b6e-9d0b-5d1f0f6f6a11")


def named(*parts: str) -> str:
    """The id of what these parts name together."""
    # the length before each part: ("a/b", "c") and ("a", "b/c") are two names
    return str(uuid5(_NAMESPACE, "/".join(f"{len(part)}:{part}" for part in parts)))


def health_event_id(site: SiteId, camera: CameraId, event_type: EventType, session: str, number: int) -> str:
    """The id of an event about the site's own health: the `number`-th that its source's `session` tells of a camera.

    A session is one life of the source (of a camera's worker): numbers begin anew with it, ids must not.
    """
    return named("health", site, camera, event_type, session, str(number))
