"""Stamps a camera's packets as they arrive: pictures keep their time however much later they are decoded."""

import time

from watchpost.clock import Clock, epoch_us
from watchpost.ingest.packets import CodedPacket, Stamp
from watchpost.ingest.stream_clock import SteadyTime, StreamClock

__all__ = ["Arrivals"]

# a P picture is sent before the B pictures that are shown before it: nobody lets them wait for a second
_REORDERED_WITHIN_US = 1_000_000


class Arrivals:
    """One camera's packets, over all its connections. For the camera's thread."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._time = SteadyTime()
        self._stream = StreamClock()
        self._newest_us: int | None = None
        self._stamp = Stamp(0, 0, 0)

    def reconnected(self) -> None:
        """The next packet comes from a new connection, whose time is another."""
        self._stream.forget()
        self._newest_us = None

    def stamp(self, coded: CodedPacket) -> Stamp:
        """The packet's stamp, which its pictures will carry too."""
        if not coded.size_bytes:
            return self._stamp
        wall_us = epoch_us(self._clock.now())
        arrival_us = self._time.at(wall_us, time.monotonic_ns() // 1000)
        stream_us = coded.stream_us
        if stream_us is not None and self._is_reordered(stream_us, coded):
            mapped = self._stream.between(stream_us, arrival_us)
        else:
            self._newest_us = stream_us
            mapped = self._stream.map(stream_us, arrival_us, coded.sender_offset_us)
        self._stamp = Stamp(self._stamp.number + 1, arrival_us, mapped.captured_us, mapped.is_stale)
        coded.packet.opaque = self._stamp
        return self._stamp

    def _is_reordered(self, stream_us: int, coded: CodedPacket) -> bool:
        if self._newest_us is None or not coded.decoder.has_b_frames:
            return False
        return 0 < self._newest_us - stream_us < _REORDERED_WITHIN_US
