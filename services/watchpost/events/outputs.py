"""What the event logic asks its shell to write."""

from dataclasses import dataclass
from datetime import datetime

from watchpost.contracts.records import Command, EventChanged, ImageRef, ThumbnailReason

__all__ = ["Outputs", "ThumbnailRequest"]


@dataclass(frozen=True, slots=True)
class ThumbnailRequest:
    """A thumbnail to be cut from a frame that still lies in the frame store (`image.kept_until`).

    Its id is settled before the picture is: a replay asks for the same thumbnail again. `width_px` is how wide it is
    cut at most; None: as wide as the site's small ones.
    """

    thumbnail_id: str
    frame_id: str
    image: ImageRef
    event_id: str | None
    reason: ThumbnailReason
    taken_at: datetime
    width_px: int | None = None


@dataclass(frozen=True, slots=True)
class Outputs:
    """All that one frame gives rise to, in the order in which it is to be written."""

    events: tuple[EventChanged, ...] = ()
    thumbnails: tuple[ThumbnailRequest, ...] = ()
    commands: tuple[Command, ...] = ()
