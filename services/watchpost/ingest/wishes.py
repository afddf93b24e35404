"""What commands ask of one camera beyond its usual sampling.

`analyze_now` wants the next decoded picture. `burst` wants every picture from `around` until `after_ms` later. The
`before_ms` need pictures that are already gone: they will come from the ring of coded packets that the decode policy
keeps in a later issue; until then a burst begins when its command arrives.
"""

import threading
from datetime import UTC, datetime, timedelta
from typing import assert_never

from watchpost.contracts.records import CaptureReason, Command, CommandKind

__all__ = ["Wishes", "is_outdated"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_NOW_MEANS = timedelta(seconds=10)


def is_outdated(command: Command, now: datetime) -> bool:
    """Whether the moment that a command asks for has passed: commands outlive a restart, their sense may not."""
    match command.kind:
        case CommandKind.BURST:
            return command.around + timedelta(milliseconds=command.after_ms) < now
        case CommandKind.ANALYZE_NOW:
            return command.requested_at + _NOW_MEANS < now
        case other:
            assert_never(other)


class Wishes:
    """The open wishes of one camera. Commands come from one thread, pictures from another."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._wants_next = False
        self._bursts: list[tuple[int, int]] = []

    def add(self, command: Command) -> None:
        """Take a command in."""
        with self._lock:
            match command.kind:
                case CommandKind.BURST:
                    begin_us = (command.around - _EPOCH) // _MICROSECOND
                    self._bursts.append((begin_us, begin_us + command.after_ms * 1000))
                case CommandKind.ANALYZE_NOW:
                    self._wants_next = True
                case other:
                    assert_never(other)

    def reason_for(self, captured_us: int, sampled: CaptureReason | None) -> CaptureReason | None:
        """Why the picture is published, given what sampling says of it.

        A picture that is sampled anyway keeps its reason inside a burst: burst frames are kept out of the tracks,
        which would then miss it.
        """
        with self._lock:
            wanted, self._wants_next = self._wants_next, False
            if wanted:
                return CaptureReason.ON_DEMAND
            self._bursts = [burst for burst in self._bursts if burst[1] >= captured_us]
            in_burst = any(begin_us <= captured_us for begin_us, _ in self._bursts)
        return sampled or (CaptureReason.BURST if in_burst else None)
