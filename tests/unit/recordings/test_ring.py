"""The ring stays within its bounds whatever happens to it, and nothing that is held goes."""

import shutil
from collections.abc import Iterable
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.fakes.clock import SetClock
from watchpost.contracts.records import CameraId
from watchpost.recordings.bounds import RingBounds
from watchpost.recordings.folder import Segment
from watchpost.recordings.folder_disk import FolderDisk
from watchpost.recordings.ring import Ring, Room

MIB = 1024 * 1024
START_US = 1_767_614_400_000_000
MINUTE_US = 60_000_000
DOOR, YARD = CameraId("door"), CameraId("yard")


class SimulatedDisk:
    """A disk of `total_bytes` on which others lay files too.

    Example:
        disk = SimulatedDisk(total_bytes=100)
        disk.write("door", 0, 10)

    """

    def __init__(self, total_bytes: int) -> None:
        self.total_bytes = total_bytes
        self.others_bytes = 0
        self.files: dict[tuple[CameraId, int], int] = {}
        self.removed: list[tuple[CameraId, int]] = []

    def segments(self) -> Iterable[tuple[CameraId, int, int]]:
        """Every file."""
        return [(camera, begins_us, size) for (camera, begins_us), size in self.files.items()]

    def remove(self, camera: CameraId, begins_us: int) -> None:
        """Delete a file."""
        del self.files[camera, begins_us]
        self.removed.append((camera, begins_us))

    def free_bytes(self) -> int:
        """What nobody uses."""
        return self.total_bytes - self.others_bytes - sum(self.files.values())

    def write(self, camera: CameraId, begins_us: int, size_bytes: int) -> None:
        """Let a file grow by this much."""
        assert size_bytes <= self.free_bytes(), "the disk is full"
        self.files[camera, begins_us] = self.files.get((camera, begins_us), 0) + size_bytes


def filled(disk: SimulatedDisk, *segments: tuple[CameraId, int, int]) -> None:
    for camera, minute, size_bytes in segments:
        disk.write(camera, START_US + minute * MINUTE_US, size_bytes)


def ring_of(
    disk: SimulatedDisk, clock: SetClock, *, max_bytes: int = 1000, min_free: int = 0, hours: float = 24
) -> Ring:
    ring = Ring(RingBounds(timedelta(hours=hours), max_bytes, min_free), disk, clock)
    ring.read_again()
    return ring


def removed_minutes(disk: SimulatedDisk) -> list[tuple[CameraId, int]]:
    return [(camera, (begins_us - START_US) // MINUTE_US) for camera, begins_us in disk.removed]


def test_oldest_go_first_whichever_cameras_they_are() -> None:
    disk = SimulatedDisk(10_000)
    filled(disk, (DOOR, 0, 300), (YARD, 1, 300), (DOOR, 2, 300))
    ring = ring_of(disk, SetClock())

    assert ring.make_room(600) is Room.FREE

    assert removed_minutes(disk) == [(DOOR, 0), (YARD, 1)]
    assert ring.kept_bytes == 300


def test_room_that_others_take_is_made_and_told() -> None:
    disk = SimulatedDisk(2000)
    filled(disk, (DOOR, 0, 300), (DOOR, 1, 300))
    ring = ring_of(disk, SetClock(), min_free=500)
    disk.others_bytes = 850

    assert ring.make_room(100) is Room.SHORT

    assert removed_minutes(disk) == [(DOOR, 0)]


def test_no_picture_is_kept_longer_than_it_may_be() -> None:
    disk, clock = SimulatedDisk(10_000), SetClock()
    filled(disk, (DOOR, 0, 10), (DOOR, 5, 10), (YARD, 6, 10))
    ring = ring_of(disk, clock, hours=1)

    clock.pass_s(3600 + 301)
    ring.sweep()

    assert removed_minutes(disk) == [(DOOR, 0), (DOOR, 5)]


def test_what_is_held_stays_and_what_is_older_than_it_goes() -> None:
    disk = SimulatedDisk(10_000)
    filled(disk, (DOOR, 0, 300), (DOOR, 5, 300), (YARD, 5, 100), (DOOR, 10, 300))
    ring = ring_of(disk, SetClock())

    with ring.held(DOOR, START_US + 6 * MINUTE_US, START_US + 7 * MINUTE_US):
        assert ring.make_room(700) is Room.FREE
        assert removed_minutes(disk) == [(DOOR, 0), (YARD, 5), (DOOR, 10)]
        assert ring.make_room(800) is Room.NONE
    assert ring.make_room(800) is Room.FREE


def test_segment_that_is_being_written_stays_until_it_is_whole() -> None:
    disk = SimulatedDisk(10_000)
    ring = ring_of(disk, SetClock())
    ring.begun(DOOR, START_US)
    disk.write(DOOR, START_US, 900)
    ring.grown(DOOR, START_US, 900)

    assert ring.make_room(200) is Room.NONE
    ring.ended(DOOR, START_US)
    assert ring.make_room(200) is Room.FREE


def test_what_was_written_under_a_clock_of_the_future_goes_first() -> None:
    disk = SimulatedDisk(10_000)
    filled(disk, (DOOR, 0, 500), (DOOR, 60 * 24 * 365, 400))
    ring = ring_of(disk, SetClock())

    ring.make_room(200)

    assert removed_minutes(disk) == [(DOOR, 60 * 24 * 365)]


def test_files_of_other_processes_count_once_they_are_read() -> None:
    disk = SimulatedDisk(10_000)
    ring = ring_of(disk, SetClock())
    filled(disk, (YARD, 0, 700))

    ring.read_again()
    assert ring.kept_bytes == 700
    del disk.files[YARD, START_US]
    ring.read_again()
    assert (ring.kept_bytes, ring.oldest_us()) == (0, None)


def test_clip_needs_no_room_in_the_ring_but_on_the_disk() -> None:
    disk = SimulatedDisk(2000)
    filled(disk, (DOOR, 0, 500), (DOOR, 1, 500))
    ring = ring_of(disk, SetClock(), min_free=500)

    assert ring.make_room(500, in_ring=False) is Room.FREE
    assert ring.make_room(600, in_ring=False) is Room.SHORT
    assert removed_minutes(disk) == [(DOOR, 0)]


@pytest.mark.parametrize("is_gone", [True, False])
def test_folder_forgets_a_segment_and_a_camera_without_any(tmp_path: Path, is_gone: bool) -> None:  # noqa: FBT001
    disk, segment = FolderDisk(tmp_path), Segment(tmp_path, DOOR, 7)
    segment.path.parent.mkdir(parents=True)
    segment.path.write_bytes(b"x" * 10)
    assert list(disk.segments()) == [(DOOR, 7, 10)]
    if is_gone:
        segment.path.unlink()

    disk.remove(DOOR, 7)

    assert not segment.path.parent.exists()
    assert abs(disk.free_bytes() - shutil.disk_usage(tmp_path).free) < 100 * MIB


class RingDay(RuleBasedStateMachine):
    """A day and a half of cameras that record, go and come, others who fill the disk, and events whose time is held."""

    CAMERAS = tuple(CameraId(name) for name in ("a", "b", "c"))
    KEEP = timedelta(hours=24)
    MAX_BYTES, MIN_FREE, TOTAL = 4000 * MIB, 500 * MIB, 6000 * MIB
    HELD_S = 20

    @initialize()
    def begin(self) -> None:
        self.clock = SetClock()
        self.disk = SimulatedDisk(self.TOTAL)
        self.ring = ring_of(self.disk, self.clock, max_bytes=self.MAX_BYTES, min_free=self.MIN_FREE)
        self.open: dict[CameraId, int] = {}
        self.held: list[tuple[CameraId, int, int, ExitStack]] = []
        self.needed: set[tuple[CameraId, int]] = set()
        self.missed_bytes = 0

    def now_us(self) -> int:
        return START_US + round((self.clock.at - SetClock().at).total_seconds() * 1_000_000)

    @rule(minutes=st.integers(1, 120), kbps=st.integers(200, 4000))
    def record(self, minutes: int, kbps: int) -> None:
        for _ in range(0, minutes, 5):
            for camera in self.CAMERAS:
                self.close(camera)
                self.open[camera] = self.now_us()
                self.ring.begun(camera, self.now_us())
            for _minute in range(5):
                for camera, begins_us in self.open.items():
                    self.append(camera, begins_us, kbps * 1000 // 8 * 60)
                self.clock.pass_s(60)
            self.ring.sweep()

    def append(self, camera: CameraId, begins_us: int, size_bytes: int) -> None:
        if self.ring.make_room(size_bytes) is Room.NONE:
            self.missed_bytes += size_bytes
            return
        self.disk.write(camera, begins_us, size_bytes)
        self.ring.grown(camera, begins_us, self.disk.files[camera, begins_us])

    def close(self, camera: CameraId) -> None:
        begins_us = self.open.pop(camera, None)
        if begins_us is not None:
            self.ring.ended(camera, begins_us)

    @rule(camera=st.sampled_from(CAMERAS), hours=st.floats(0.1, 12))
    def camera_is_away(self, camera: CameraId, hours: float) -> None:
        self.close(camera)
        self.clock.pass_s(hours * 360)
        self.ring.sweep()

    @rule(camera=st.sampled_from(CAMERAS), age_s=st.floats(0, 7200))
    def event_is_confirmed(self, camera: CameraId, age_s: float) -> None:
        if len(self.held) < 6:
            from_us = self.now_us() - round(age_s * 1_000_000) - self.HELD_S * 1_000_000
            to_us = from_us + 2 * self.HELD_S * 1_000_000
            stack = ExitStack()
            stack.enter_context(self.ring.held(camera, from_us, to_us))
            self.held.append((camera, from_us, to_us, stack))
            self.needed |= self.files_of(camera, from_us, to_us)

    def files_of(self, camera: CameraId, from_us: int, to_us: int) -> set[tuple[CameraId, int]]:
        """The files with pictures of this time: each lasts at most 5 minutes."""
        return {key for key in self.disk.files if key[0] == camera and from_us - 5 * MINUTE_US < key[1] < to_us}

    @rule()
    def clip_is_cut(self) -> None:
        if self.held:
            self.held.pop(0)[3].close()
            self.needed = {
                key for camera, from_us, to_us, _ in self.held for key in self.files_of(camera, from_us, to_us)
            }

    @rule(share=st.floats(0, 1))
    def others_fill_the_disk(self, share: float) -> None:
        self.disk.others_bytes = min(round(self.TOTAL * share), self.disk.others_bytes + self.disk.free_bytes())
        self.ring.make_room(0)

    @rule()
    def process_is_killed(self) -> None:
        """What it knew is gone but for the files; the events come again, as they were not committed."""
        for *_, stack in self.held:
            stack.pop_all()
        self.ring = ring_of(self.disk, self.clock, max_bytes=self.MAX_BYTES, min_free=self.MIN_FREE)
        self.open.clear()
        self.held = [(camera, from_us, to_us, ExitStack()) for camera, from_us, to_us, _ in self.held]
        for camera, from_us, to_us, stack in self.held:
            stack.enter_context(self.ring.held(camera, from_us, to_us))
        self.ring.make_room(0)  # as the recorder does soon after its start

    @invariant()
    def bounds_hold(self) -> None:
        kept = sum(self.disk.files.values())
        assert kept <= self.MAX_BYTES
        assert self.ring.kept_bytes == kept

    @invariant()
    def nothing_needed_is_gone(self) -> None:
        assert self.needed <= self.disk.files.keys()

    @invariant()
    def free_space_stays_where_anything_could_go(self) -> None:
        may_go = self.disk.files.keys() - set(self.open.items()) - self.needed
        held = {key for camera, from_us, to_us, _ in self.held for key in self.disk.files if key[0] == camera}
        assert self.disk.free_bytes() >= self.MIN_FREE or not (may_go - held)

    @invariant()
    def nothing_is_older_than_it_may_be(self) -> None:
        oldest_us = self.now_us() - self.KEEP // timedelta(microseconds=1)
        held = {key[0] for key in self.needed}
        old = {key for key in self.disk.files if key[1] < oldest_us and key[0] not in held}
        assert old <= set(self.open.items())


TestRingDay = RingDay.TestCase
TestRingDay.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)
