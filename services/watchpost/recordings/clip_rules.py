"""Which events get a clip, and of which time."""

from dataclasses import dataclass

from watchpost.clock import epoch_us
from watchpost.contracts.records import EventChanged, EventPhase, EventType

__all__ = ["ClipTimes", "clip_times", "gets_clip", "had_clip"]

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
_LONGEST_US = 120_000_000


@dataclass(frozen=True, slots=True)
class ClipTimes:
    """A clip's time: microseconds since 1970. `moment_us`: when the event was confirmed."""

    from_us: int
    moment_us: int
    to_us: int


def gets_clip(event: EventChanged) -> bool:
    """Whether a clip is cut now that this is told: the event is confirmed, and of what cameras see."""
    return event.phase is EventPhase.CONFIRMED and event.type not in _WITHOUT


def had_clip(event: EventChanged) -> bool:
    """Whether a clip was, or will be, cut of the event as this revision shows it."""
    return event.phase in {EventPhase.CONFIRMED, EventPhase.ENDED} and event.type not in _WITHOUT


def clip_times(event: EventChanged, before_s: float, after_s: float) -> ClipTimes:
    """From before it began (two minutes before it was confirmed at most) to after it was confirmed."""
    moment_us = epoch_us(event.at)
    opened_us = max(epoch_us(event.opened_at), moment_us - _LONGEST_US)
    return ClipTimes(opened_us - round(before_s * 1_000_000), moment_us, moment_us + round(after_s * 1_000_000))
