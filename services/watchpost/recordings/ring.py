"""Keeps recordings within their bounds: the oldest go first, whichever camera's they are.

ring = Ring(bounds, FolderDisk(root), clock)
ring.read_again()
with ring.held("door", from_us, to_us):      # nothing of this goes meanwhile
    ...
"""

import threading
from bisect import insort
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Protocol

from watchpost.clock import Clock, epoch_us
from watchpost.contracts.records import CameraId
from watchpost.recordings.bounds import RingBounds
from watchpost.telemetry import metrics

__all__ = ["Disk", "Eviction", "Ring", "Room"]

_AHEAD_US = 3_600_000_000

Key = tuple[CameraId, int]


class Eviction(StrEnum):
    """Why a segment went."""

    HOURS = "hours"
    BYTES = "bytes"
    HEADROOM = "headroom"


class Room(StrEnum):
    """Whether there is room for what is to be written."""

    FREE = "free"
    SHORT = "short"
    """There is, but the disk is so full that recordings went before their time."""
    NONE = "none"


class Disk(Protocol):
    """What the ring needs of the disk. All of it raises OSError."""

    def segments(self) -> Iterable[tuple[CameraId, int, int]]:
        """Camera, beginning in microseconds since 1970, and bytes of each segment."""
        ...

    def remove(self, camera: CameraId, begins_us: int) -> None:
        """Delete a segment; one that is gone already is no error."""
        ...

    def free_bytes(self) -> int:
        """What may still be written."""
        ...


@dataclass(frozen=True, slots=True)
class _Hold:
    camera: CameraId
    from_us: int
    to_us: int


class Ring:
    """Which segments there are, and which go. Safe for several threads; the disk may keep them waiting.

    Segments that are being written (`begun`, not yet `ended`) and those that are held never go. Other processes may
    write into the same folder: `read_again` learns of theirs.
    """

    def __init__(self, bounds: RingBounds, disk: Disk, clock: Clock) -> None:
        self._bounds = bounds
        self._disk = disk
        self._clock = clock
        self._lock = threading.RLock()
        self._sizes: dict[Key, int] = {}
        self._begins: dict[CameraId, list[int]] = {}
        self._open: set[Key] = set()
        self._holds: list[_Hold] = []
        self._kept_bytes = 0

    @property
    def kept_bytes(self) -> int:
        """Bytes of all segments."""
        return self._kept_bytes

    def oldest_us(self) -> int | None:
        """When the oldest picture that is kept was taken."""
        with self._lock:
            return min((begins[0] for begins in self._begins.values()), default=None)

    def read_again(self) -> None:
        """Learn what lies on the disk. Raises OSError."""
        with self._lock:
            found = {(camera, begins_us): size for camera, begins_us, size in self._disk.segments()}
            for key in self._sizes.keys() - found.keys() - self._open:
                self._forget(key)
            for key, size_bytes in found.items():
                if key not in self._open:
                    self._learn(key, size_bytes)

    def begun(self, camera: CameraId, begins_us: int) -> None:
        """A segment is being written from now on."""
        with self._lock:
            self._learn((camera, begins_us), 0)
            self._open.add((camera, begins_us))

    def grown(self, camera: CameraId, begins_us: int, size_bytes: int) -> None:
        """It has this size now."""
        with self._lock:
            self._learn((camera, begins_us), size_bytes)

    def ended(self, camera: CameraId, begins_us: int) -> None:
        """It is whole: from now on it may go. One that holds nothing is forgotten."""
        with self._lock:
            self._open.discard((camera, begins_us))
            if not self._sizes.get((camera, begins_us)):
                self._forget((camera, begins_us))

    @contextmanager
    def held(self, camera: CameraId, from_us: int, to_us: int) -> Iterator[None]:
        """Nothing that the camera recorded in this time goes while the block runs."""
        hold = _Hold(camera, from_us, to_us)
        with self._lock:
            self._holds.append(hold)
        try:
            yield
        finally:
            with self._lock:
                self._holds.remove(hold)

    def sweep(self) -> None:
        """Delete what is older than may be kept. Raises OSError."""
        with self._lock:
            keep_from_us, oldest_us = self._now_us() - self._bounds.keep // timedelta(microseconds=1), self.oldest_us()
            if oldest_us is None or oldest_us >= keep_from_us:
                return
            for key in [key for key in self._by_age() if key[1] < keep_from_us and self._may_go(key)]:
                self._evict(key, Eviction.HOURS)

    def make_room(self, wanted_bytes: int, *, in_ring: bool = True) -> Room:
        """Delete the oldest until `wanted_bytes` may be written, into the ring or beside it. Raises OSError."""
        with self._lock:
            free_bytes, room, oldest = self._disk.free_bytes(), Room.FREE, self._by_age()
            while True:
                lacks_space = free_bytes - wanted_bytes < self._bounds.min_free_bytes
                if not lacks_space and not (in_ring and self._kept_bytes + wanted_bytes > self._bounds.max_bytes):
                    return room
                # asked for only when something must go: of 100 cameras and 24 hours they are 28,800 to put in order
                key = next((key for key in oldest if self._may_go(key)), None)
                if key is None:
                    return Room.NONE
                # counted, not asked again: some file systems take their time, and all would go meanwhile
                free_bytes += self._sizes[key]
                room = Room.SHORT if lacks_space else room
                self._evict(key, Eviction.HEADROOM if lacks_space else Eviction.BYTES)

    def _by_age(self) -> Iterator[Key]:
        """The oldest first. What claims to be of the future was written under a wrong clock, and is older than all."""
        ahead_us = self._now_us() + _AHEAD_US
        yield from sorted(self._sizes, key=lambda key: (key[1] <= ahead_us, key[1], key[0]))

    def _may_go(self, key: Key) -> bool:
        return key not in self._open and not any(self._holds_it(hold, key) for hold in self._holds)

    def _holds_it(self, hold: _Hold, key: Key) -> bool:
        camera, begins_us = key
        if hold.camera != camera or begins_us >= hold.to_us:
            return False
        begins = self._begins[camera]
        after = begins.index(begins_us) + 1
        return after == len(begins) or begins[after] > hold.from_us

    def _evict(self, key: Key, why: Eviction) -> None:
        self._disk.remove(*key)
        self._forget(key)
        metrics.SEGMENTS_EVICTED.labels(why).inc()

    def _learn(self, key: Key, size_bytes: int) -> None:
        camera, begins_us = key
        if key not in self._sizes:
            insort(self._begins.setdefault(camera, []), begins_us)
        self._kept_bytes += size_bytes - self._sizes.get(key, 0)
        self._sizes[key] = size_bytes

    def _forget(self, key: Key) -> None:
        camera, begins_us = key
        if key not in self._sizes:
            return
        self._kept_bytes -= self._sizes.pop(key)
        self._begins[camera].remove(begins_us)
        if not self._begins[camera]:
            del self._begins[camera]

    def _now_us(self) -> int:
        return epoch_us(self._clock.now())
