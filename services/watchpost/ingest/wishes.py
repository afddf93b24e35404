"""What commands ask of one camera beyond its usual sampling.

`analyze_now` wants the next picture. `burst` wants every picture from `before_ms` before `around` until `after_ms`
after it: what is gone when the command arrives comes from the ring of coded packets (`past`), the rest as it is taken.
`follow` wants no fewer pictures than motion would, until `after_ms` after `around`: somebody is there and keeps still.
"""

import threading
from datetime import datetime, timedelta
from typing import assert_never

from watchpost.clock import epoch_us
from watchpost.contracts.records import CaptureReason, Command, CommandKind

__all__ = ["Wishes", "is_outdated"]

_NOW_MEANS = timedelta(seconds=10)
# a picture's time and its asker's need not be of one machine
_CLOCKS_DIFFER_US = 1_000_000


def is_outdated(command: Command, now: datetime) -> bool:
    """Whether the moment that a command asks for has passed: commands outlive a restart, their sense may not."""
    match command.kind:
        case CommandKind.BURST | CommandKind.FOLLOW:
            return command.around + timedelta(milliseconds=command.after_ms) < now
        case CommandKind.ANALYZE_NOW:
            return command.requested_at + _NOW_MEANS < now
        case other:
            assert_never(other)


class Wishes:
    """The open wishes of one camera. Commands come from one thread, pictures from another.

    Args:
        follow_tracks: whether wishes to follow somebody count.
    """

    def __init__(self, *, follow_tracks: bool = True) -> None:
        self._lock = threading.Lock()
        self._follow_tracks = follow_tracks
        self._follow_until_us = 0
        self._wants_from_us: int | None = None
        self._bursts: list[tuple[int, int]] = []
        self._pasts: list[int] = []

    def add(self, command: Command) -> None:
        """Take a command in."""
        with self._lock:
            match command.kind:
                case CommandKind.BURST:
                    around_us = epoch_us(command.around)
                    self._bursts.append((around_us, around_us + command.after_ms * 1000))
                    self._pasts.append(around_us - command.before_ms * 1000)
                case CommandKind.ANALYZE_NOW:
                    self._wants_from_us = epoch_us(command.requested_at) - _CLOCKS_DIFFER_US
                case CommandKind.FOLLOW:
                    until_us = epoch_us(command.around) + command.after_ms * 1000
                    self._follow_until_us = max(self._follow_until_us, until_us)
                case other:
                    assert_never(other)

    def are_open(self, at_us: int) -> bool:
        """Whether pictures are asked for that are being taken about now."""
        with self._lock:
            return self._wants_from_us is not None or any(begin <= at_us <= end for begin, end in self._bursts)

    def follows(self, at_us: int) -> bool:
        """Whether somebody is to be followed at this time."""
        with self._lock:
            return self._follow_tracks and at_us <= self._follow_until_us

    def past(self) -> int | None:
        """From when on pictures are wanted that are gone already; told once."""
        with self._lock:
            pasts, self._pasts = self._pasts, []
        return min(pasts, default=None)

    def reason_for(self, captured_us: int, sampled: CaptureReason | None) -> CaptureReason | None:
        """Why the picture is published, given what sampling says of it.

        A picture that is sampled anyway keeps its reason inside a burst: burst frames are kept out of the tracks,
        which would then miss it.
        """
        with self._lock:
            if self._wants_from_us is not None and captured_us >= self._wants_from_us:
                self._wants_from_us = None
                return CaptureReason.ON_DEMAND
            self._bursts = [burst for burst in self._bursts if burst[1] >= captured_us]
            in_burst = any(begin_us <= captured_us for begin_us, _ in self._bursts)
        return sampled or (CaptureReason.BURST if in_burst else None)
