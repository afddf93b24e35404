"""Maps a stream's own time to the site's clock, so that `captured_at` is neither a guess nor the network's jitter.

    clock = StreamClock()
    mapped = clock.map(stream_us=picture.stream_us, arrival_us=now_us)
    mapped.captured_us, mapped.is_stale

The difference between arrival and the stream's time is the camera's offset plus a delay that is never negative; its
smallest value of the last ten seconds is the best estimate (Cristian 1989). The mapping is slewed towards it by at
most 5 %, so that time between two pictures stays true to 5 %, and is never stepped. It begins anew where the
stream's time jumps (back, or forward beyond what has arrived), and where pictures stay late for longer than a stall.
"""

from dataclasses import dataclass

__all__ = ["WITHIN_US", "Mapped", "SteadyTime", "StreamClock"]

WITHIN_US = 2_000_000
_WINDOW_US = 10_000_000
_SLOT_US = 1_000_000
_SLEW = 0.05
_STALL_US = 2_000_000


@dataclass(frozen=True, slots=True)
class Mapped:
    """When a picture was taken, on the site's clock: later than the picture before it, and within 2 s of arrival.

    `is_stale`: its stream says that it is older than that (a stall is being made up for): it must not pass as live.
    `is_new`: the mapping began with this picture.
    """

    captured_us: int
    is_stale: bool = False
    is_new: bool = False


class StreamClock:
    """The mapping of one camera, over all its connections. Microseconds in, microseconds out."""

    def __init__(self) -> None:
        self._offset_us: int | None = None
        self._smallest: dict[int, int] = {}
        self._stream_us = 0
        self._arrival_us = 0
        self._captured_us = 0
        self._late_since_us: int | None = None

    def forget(self) -> None:
        """Begin a new mapping with the next picture: the connection is a new one, and so is its time."""
        self._offset_us = None

    def map(self, stream_us: int | None, arrival_us: int) -> Mapped:
        """When the picture that arrived now was taken. Without `stream_us` that is its arrival.

        `arrival_us` must not run backwards (`SteadyTime` gives such a time).
        """
        if stream_us is None:
            return self._given(arrival_us, arrival_us)
        if self._offset_us is None or self._jumped(stream_us, arrival_us):
            return self._begin(stream_us, arrival_us)
        self._learn(stream_us, arrival_us)
        offset_us = self._slew(arrival_us)
        self._stream_us, self._arrival_us = stream_us, arrival_us
        late_us = arrival_us - stream_us - offset_us
        if late_us <= WITHIN_US:
            self._late_since_us = None
            return self._given(stream_us + offset_us, arrival_us)
        if self._late_since_us is None:
            self._late_since_us = arrival_us
        if arrival_us - self._late_since_us > _STALL_US:
            return self._begin(stream_us, arrival_us)
        return self._given(arrival_us - WITHIN_US, arrival_us, is_stale=True)

    def _jumped(self, stream_us: int, arrival_us: int) -> bool:
        too_early = self._offset_us is not None and stream_us + self._offset_us - arrival_us > WITHIN_US
        return stream_us < self._stream_us or too_early

    def _begin(self, stream_us: int, arrival_us: int) -> Mapped:
        self._offset_us = arrival_us - stream_us
        self._smallest = {arrival_us // _SLOT_US: self._offset_us}
        self._stream_us, self._arrival_us = stream_us, arrival_us
        self._late_since_us = None
        return self._given(arrival_us, arrival_us, is_new=True)

    def _learn(self, stream_us: int, arrival_us: int) -> None:
        slot = arrival_us // _SLOT_US
        seen_us = arrival_us - stream_us
        self._smallest[slot] = min(seen_us, self._smallest.get(slot, seen_us))
        for old in [known for known in self._smallest if known <= slot - _WINDOW_US // _SLOT_US]:
            del self._smallest[old]

    def _slew(self, arrival_us: int) -> int:
        offset_us = self._offset_us or 0
        most_us = round((arrival_us - self._arrival_us) * _SLEW)
        wanted_us = min(self._smallest.values()) - offset_us
        self._offset_us = offset_us + max(-most_us, min(most_us, wanted_us))
        return self._offset_us

    def _given(self, wanted_us: int, arrival_us: int, *, is_stale: bool = False, is_new: bool = False) -> Mapped:
        within_us = max(arrival_us - WITHIN_US, min(wanted_us, arrival_us))
        self._captured_us = max(within_us, self._captured_us + 1)
        return Mapped(self._captured_us, is_stale, is_new)


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
