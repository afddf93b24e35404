"""When bytes leave a thin line and when they arrive: the model of one direction of a link, without any I/O."""

import random
from dataclasses import dataclass

from watchpost.errors import ConfigError

__all__ = ["Line", "Passage", "Shape", "StallRule"]

# on an unlimited line: large enough that the work for each piece does not count
_LARGEST_CHUNK_BYTES = 64 * 1024
# what an Ethernet frame holds of TCP
_SMALLEST_CHUNK_BYTES = 1448
_CHUNK_S = 0.01
# the buffer before a slow line; what finds no room waits in its sender
_QUEUE_S = 0.25


@dataclass(frozen=True, slots=True)
class StallRule:
    """Loss, as TCP's users see it: now and then the line stands still until what was lost has been sent again.

    Args:
        probability: of each chunk: 10 ms of a line with a rate, 1448 bytes at least; else what is read at once.
        stall_ms: how long it stands still; Linux sends again after 200 ms at the earliest.
    """

    probability: float
    stall_ms: float = 200.0

    def __post_init__(self) -> None:
        if not 0 <= self.probability <= 1:
            raise ConfigError("stall.probability", f"{self.probability} is none", "write a fraction from 0 to 1")


@dataclass(frozen=True, slots=True)
class Shape:
    """What a link does to what passes.

    Args:
        up_kbps, down_kbps: kilobits a second of payload, shared by all connections; None is no limit.
        delay_ms: one way, in each direction: a round trip takes twice as long.
        jitter_ms: a delay is up to so much shorter or longer. Bytes still arrive in order.
        stall: how the link loses.
        seed: for jitter and stalls.
    """

    up_kbps: float | None = None
    down_kbps: float | None = None
    delay_ms: float = 0.0
    jitter_ms: float = 0.0
    stall: StallRule | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        for name, kbps in (("up_kbps", self.up_kbps), ("down_kbps", self.down_kbps)):
            if kbps is not None and kbps <= 0:
                raise ConfigError(name, f"{kbps} carries nothing", "write a rate above 0, or cut() the link")
        if self.delay_ms < 0 or self.jitter_ms < 0:
            raise ConfigError("delay_ms, jitter_ms", "one of them is below 0", "write milliseconds, 0 or more")


@dataclass(frozen=True, slots=True)
class Passage:
    """When the last byte of a chunk has left the near end, and when it is at the far one, in the line's seconds."""

    departs_s: float
    arrives_s: float


class Line:
    """One direction: a serial line that sends chunk after chunk, whichever connection they belong to.

    Args:
        kbps: its rate, or None.
        shape: delay, jitter, stalls.
        seed: differs between a link's directions.
    """

    def __init__(self, kbps: float | None, shape: Shape, seed: int) -> None:
        self._bytes_per_s = None if kbps is None else kbps * 1000 / 8
        self._delay_s, self._jitter_s = shape.delay_ms / 1000, shape.jitter_ms / 1000
        self._stall = shape.stall
        self._chance = random.Random(seed)  # noqa: S311  (repeats a test's bad luck, guards nothing)
        self._free_at_s = 0.0
        self._last_arrival_s = 0.0

    @property
    def chunk_bytes(self) -> int:
        """How much to send at once."""
        if self._bytes_per_s is None:
            return _LARGEST_CHUNK_BYTES
        return max(_SMALLEST_CHUNK_BYTES, min(_LARGEST_CHUNK_BYTES, int(self._bytes_per_s * _CHUNK_S)))

    def wait_s(self, now_s: float) -> float:
        """How long until the buffer before the line has room."""
        return max(0.0, self._free_at_s - now_s - _QUEUE_S)

    def send(self, size_bytes: int, now_s: float) -> Passage:
        """Put a chunk into the buffer before the line."""
        starts_s = max(now_s, self._free_at_s) + self._stall_s()
        departs_s = starts_s + (0.0 if self._bytes_per_s is None else size_bytes / self._bytes_per_s)
        self._free_at_s = departs_s
        wander_s = self._chance.uniform(-self._jitter_s, self._jitter_s) if self._jitter_s else 0.0
        # TCP hands over in order: what overtook waits
        self._last_arrival_s = max(self._last_arrival_s, departs_s + max(0.0, self._delay_s + wander_s))
        return Passage(departs_s, self._last_arrival_s)

    def _stall_s(self) -> float:
        if self._stall is None or self._chance.random() >= self._stall.probability:
            return 0.0
        return self._stall.stall_ms / 1000
