"""Of which time an event's clip is."""

from dataclasses import dataclass

from watchpost.clock import epoch_us
from watchpost.contracts.records import EventChanged

__all__ = ["ClipTimes", "clip_times"]

_LONGEST_US = 120_000_000


@dataclass(frozen=True, slots=True)
class ClipTimes:
    """A clip's time: microseconds since 1970. `moment_us`: when the event was confirmed."""

    from_us: int
    moment_us: int
    to_us: int


def clip_times(event: EventChanged, before_s: float, after_s: float) -> ClipTimes:
    """From before it began (two minutes before it was confirmed at most) to after it was confirmed."""
    moment_us = epoch_us(event.at)
    opened_us = max(epoch_us(event.opened_at), moment_us - _LONGEST_US)
    return ClipTimes(opened_us - round(before_s * 1_000_000), moment_us, moment_us + round(after_s * 1_000_000))
