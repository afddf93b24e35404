"""Names that a replay gives again: whatever an event is made of fixes its id."""

from watchpost.contracts.identity import named
from watchpost.contracts.records import CameraId, DetectedObject, SiteId

__all__ = ["command_id", "event_id", "ordinals", "thumbnail_id"]


def event_id(site: SiteId, camera: CameraId, event_type: str, opening_frame_id: str, ordinal: int) -> str:
    """The id of the event of this type that opens with the `ordinal`-th box of that frame."""
    return named("event", site, camera, event_type, opening_frame_id, str(ordinal))


def thumbnail_id(site: SiteId, camera: CameraId, frame_id: str, cut_for: str | None) -> str:
    """The id of the thumbnail that is cut from a frame: for an event's id, a reason, or (None) for the interval."""
    return named("thumbnail", site, camera, frame_id, cut_for or "")


def command_id(given_by: str, kind: str) -> str:
    """The id of the command of this kind that an event or a frame, named by its id, gives."""
    return named("command", given_by, kind)


def ordinals(objects: tuple[DetectedObject, ...]) -> tuple[int, ...]:
    """Each object's place when the frame's objects are sorted by box: the order of detection does not matter."""
    order = sorted(range(len(objects)), key=lambda index: _corners(objects[index]))
    place = {index: ordinal for ordinal, index in enumerate(order)}
    return tuple(place[index] for index in range(len(objects)))


def _corners(detected: DetectedObject) -> tuple[float, float, float, float, str, float]:
    box = detected.box
    return box.x0, box.y0, box.x1, box.y1, detected.label, detected.score
