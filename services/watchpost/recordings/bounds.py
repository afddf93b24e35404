"""What limits a ring of recordings."""

from dataclasses import dataclass
from datetime import timedelta

from watchpost.settings import RecordingSettings

__all__ = ["RingBounds", "bounds_of"]


@dataclass(frozen=True, slots=True)
class RingBounds:
    """How much is kept: no picture longer than `keep`, no more than `max_bytes`, and `min_free_bytes` stay free."""

    keep: timedelta
    max_bytes: int
    min_free_bytes: int


def bounds_of(settings: RecordingSettings) -> RingBounds:
    """The bounds that an operator set."""
    return RingBounds(timedelta(hours=settings.keep_hours), settings.max_bytes, settings.min_free_bytes)
