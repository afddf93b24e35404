"""Maps a stream's own time to the site's clock, so that `captured_at` is neither a guess nor the network's jitter.

    clock = StreamClock()
    mapped = clock.map(stream_us=picture.stream_us, arrival_us=now_us)
    mapped.captured_us, mapped.is_stale

What lies between a picture's stream time and its arrival is the camera's offset plus a delay that is never negative;
the smallest value of the last ten seconds is the best estimate (Cristian 1989). So the mapping follows a picture that
was faster than any before at once (it cannot have been taken after it arrived) and is slewed the other way by 5 % at
most: between two pictures the mapped time passes as the stream's does. Where the sender says by its own clock when
pictures are taken (RTCP), and its clock is right to a second, the mapping is slewed to that: it leaves out the delay
that the fastest picture had too. The mapping begins anew where the stream's time jumps (back, or forward beyond what
has arrived) and where pictures stay late for longer than a stall.

Pictures of a backlog (what a camera buffered before the connection stood, what a stall held up) are stale: they are
told apart by being late, or by arriving faster and faster.
"""

from dataclasses import dataclass

__all__ = ["WITHIN_US", "Mapped", "SteadyTime", "StreamClock"]

WITHIN_US = 2_000_000
_SLOT_US = 1_000_000
_SLOTS = 10
_SLEW = 0.05
_CREDIBLE_US = 1_000_000
_STALL_US = 2_000_000
_HURRY_US = 100_000
_JITTER_US = 5_000


@dataclass(frozen=True, slots=True)
class Mapped:
    """When a picture was taken, on the site's clock: later than the picture before it, and within 2 s of arrival.

    `is_stale`: it belongs to a backlog that is being made up for, and must not pass as live.
    """

    captured_us: int
    is_stale: bool = False


class StreamClock:
    """The mapping of one camera, over all its connections. Microseconds in, microseconds out."""

    def __init__(self) -> None:
        self._offset_us: int | None = None
        self._smallest: dict[int, int] = {}
        self._stream_us = 0
        self._arrival_us = 0
        self._captured_us = 0
        self._hurry_us = 0
        self._late_since_us: int | None = None
        self._is_stale = False

    def forget(self) -> None:
        """Begin a new mapping with the next picture: the connection is a new one, and so is its time."""
        self._offset_us = None

    def map(self, stream_us: int | None, arrival_us: int, sender_offset_us: int | None = None) -> Mapped:
        """When the picture that arrived now was taken. Without `stream_us` that is its arrival.

        `arrival_us` must not run backwards (`SteadyTime` gives such a time). `sender_offset_us` is what the sender's
        clock is ahead of the stream's time.
        """
        if stream_us is None:
            return self._given(arrival_us, arrival_us)
        if self._offset_us is None or self._jumped(stream_us, self._offset_us, arrival_us):
            self._begin(stream_us, arrival_us)
            return self._given(arrival_us, arrival_us)
        offset_us = self._offset_us = self._followed(self._offset_us, stream_us, arrival_us, sender_offset_us)
        self._stream_us, self._arrival_us = stream_us, arrival_us
        is_late = self._is_late(arrival_us - stream_us - offset_us, arrival_us)
        return self._given(stream_us + offset_us, arrival_us, is_stale=is_late or self._hurry_us > _HURRY_US)

    def between(self, stream_us: int, arrival_us: int) -> Mapped:
        """When a picture was taken that is shown before the last one mapped: it moves nothing, and is as stale."""
        return Mapped(min(arrival_us, stream_us + (self._offset_us or 0)), self._is_stale)

    def _jumped(self, stream_us: int, offset_us: int, arrival_us: int) -> bool:
        return stream_us < self._stream_us or stream_us + offset_us - arrival_us > WITHIN_US

    def _begin(self, stream_us: int, arrival_us: int) -> None:
        self._offset_us = arrival_us - stream_us
        self._smallest = {arrival_us // _SLOT_US: self._offset_us}
        self._stream_us, self._arrival_us = stream_us, arrival_us
        self._hurry_us, self._late_since_us = 0, None

    def _followed(self, offset_us: int, stream_us: int, arrival_us: int, sender_offset_us: int | None) -> int:
        """The offset after one more picture."""
        seen_us = arrival_us - stream_us
        slot = arrival_us // _SLOT_US
        self._smallest[slot] = min(seen_us, self._smallest.get(slot, seen_us))
        for old in [known for known in self._smallest if known <= slot - _SLOTS]:
            del self._smallest[old]
        faster_us = offset_us - seen_us
        self._hurry_us = self._hurry_us + faster_us if faster_us > _JITTER_US else 0
        if faster_us > 0:
            return seen_us
        # a second at most: after a long silence the window holds nothing but the backlog
        most_us = round(min(arrival_us - self._arrival_us, _SLOT_US) * _SLEW)
        return offset_us + max(-most_us, min(most_us, self._wanted_us(sender_offset_us) - offset_us))

    def _wanted_us(self, sender_offset_us: int | None) -> int:
        smallest_us = min(self._smallest.values())
        if sender_offset_us is not None and 0 <= smallest_us - sender_offset_us <= _CREDIBLE_US:
            return sender_offset_us
        return smallest_us

    def _is_late(self, late_us: int, arrival_us: int) -> bool:
        if late_us <= WITHIN_US:
            self._late_since_us = None
            return False
        if self._late_since_us is None:
            self._late_since_us = arrival_us
        if arrival_us - self._late_since_us > _STALL_US:
            self._begin(self._stream_us, arrival_us)
        return True

    def _given(self, wanted_us: int, arrival_us: int, *, is_stale: bool = False) -> Mapped:
        within_us = max(arrival_us - WITHIN_US, min(wanted_us, arrival_us))
        self._captured_us, self._is_stale = max(within_us, self._captured_us + 1), is_stale
        return Mapped(self._captured_us, is_stale)


class SteadyTime:
    """The site's clock as it should be used for pictures: it follows a step forward at once and never runs backwards.

    After a step back it runs 5 % slower until the clock has caught up: pictures keep their order meanwhile.
    """

    def __init__(self) -> None:
        self._steady_us: int | None = None
        self._monotonic_us = 0

    def at(self, wall_us: int, monotonic_us: int) -> int:
        """The steady time, given what both clocks of the machine say now."""
        if self._steady_us is None:
            self._steady_us = wall_us
        else:
            elapsed_us = monotonic_us - self._monotonic_us
            self._steady_us = max(wall_us, self._steady_us + round(elapsed_us * (1 - _SLEW)))
        self._monotonic_us = monotonic_us
        return self._steady_us
