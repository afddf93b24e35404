"""A disk that is full, away or silent costs pictures while it lasts, and nothing else."""

from __future__ import annotations  # at run time PyAV's Packet is no generic class

import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import cast

import pytest
from av import Packet, VideoStream
from av.video.codeccontext import VideoCodecContext

from tests.fakes.clock import SetClock
from tests.fakes.coded import BEGINS_US, at_their_time, coded_clip, coded_packets, pictures_of, probed, recorded_spec
from tests.fakes.small_disk import small_disk
from tests.fakes.specs import camera_spec
from tests.waiting import wait_for
from watchpost.contracts.records import CameraId
from watchpost.errors import RetryableError
from watchpost.ingest.packets import CodedPacket
from watchpost.recordings.bounds import RingBounds
from watchpost.recordings.camera_recording import MOST_QUEUED_BYTES, CameraRecording
from watchpost.recordings.camera_writer import CameraWriter
from watchpost.recordings.folder import segments_of
from watchpost.recordings.folder_disk import FolderDisk
from watchpost.recordings.recorder import Recorder
from watchpost.recordings.ring import Ring
from watchpost.recordings.samples import codec_of, sample_of
from watchpost.recordings.segment_file import mend
from watchpost.recordings.sound import SoundReader
from watchpost.recordings.storage_watch import StorageTurn, StorageWatch

DOOR = CameraId("door")
BOUNDS = RingBounds(timedelta(hours=24), 10**9, 0)
SECOND_US = 1_000_000

Packets = list[tuple[CodedPacket, int]]


class BlindDisk(FolderDisk):
    """Says that there is room when there is none, so that writing itself fails."""

    def free_bytes(self) -> int:
        """Plenty."""
        return 10**12


class HangingDisk(FolderDisk):
    """Answers nothing between `hang` and `answer`."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self._answers = threading.Event()
        self._answers.set()

    def free_bytes(self) -> int:
        """As the folder, when it answers."""
        self._answers.wait()
        return super().free_bytes()

    def hang(self) -> None:
        """From now on."""
        self._answers.clear()

    def answer(self) -> None:
        """Again."""
        self._answers.set()


@pytest.fixture(scope="module")
def packets(tmp_path_factory: pytest.TempPathFactory) -> Packets:
    clip = coded_clip(tmp_path_factory.mktemp("clip"), kbps=2000, keyframe_every=10)
    return list(at_their_time(coded_packets(clip)))


def later(packets: Packets, seconds: int) -> Packets:
    return [(coded, captured_us + seconds * SECOND_US) for coded, captured_us in packets]


def write(writer: CameraWriter, packets: Iterable[tuple[CodedPacket, int]]) -> int:
    """Write them all; how often the disk did not take them."""
    failed = 0
    for coded, captured_us in packets:
        codec = codec_of(coded)
        assert codec is not None
        try:
            writer.write(sample_of(coded, codec, captured_us, SoundReader(DOOR)), 10**9)
        except RetryableError:
            failed += 1
    try:
        writer.end()
    except RetryableError:
        failed += 1
    return failed


def assert_whole(root: Path) -> int:
    """Every segment is whole as it lies there; how many pictures they hold."""
    segments = segments_of(root, DOOR)
    assert not any(mend(segment.path) for segment in segments)
    return sum(len(probed(segment.path, "pts")) for segment in segments)


@pytest.mark.parametrize("kind", [FolderDisk, BlindDisk])
def test_disk_that_is_full_at_any_step_leaves_whole_segments_and_is_used_again(
    tmp_path: Path, packets: Packets, kind: type[FolderDisk]
) -> None:
    with small_disk(tmp_path) as disk:
        failures = []
        for round_, free_bytes in enumerate([0, 1, 4096, 8192, 12288, 20480, 40960, 81920, 163840, 327680, 655360]):
            root = disk.path / f"ring-{round_}"
            writer = CameraWriter(root, DOOR, Ring(BOUNDS, kind(root), SetClock()))
            disk.leave(free_bytes)

            failures.append(write(writer, packets))
            assert_whole(root)
            disk.leave_all()
            assert write(writer, later(packets, 60)) == 0

            assert assert_whole(root) >= len(packets)
            for segment in segments_of(root, DOOR):
                segment.path.unlink()

    assert failures[0] > failures[-1]


def test_disk_without_a_name_to_give_is_used_again_when_it_has_one(tmp_path: Path, packets: Packets) -> None:
    with small_disk(tmp_path, inodes=8) as disk:
        root = disk.path / "ring"
        writer = CameraWriter(root, DOOR, Ring(BOUNDS, BlindDisk(root), SetClock()))
        for round_ in count():
            taken = [disk.path / f"file-{number}" for number in range(7 - round_)]
            for path in taken:
                path.touch()
            failed = write(writer, later(packets, round_ * 10))
            for path in taken:
                path.unlink()
            if not failed:
                break

    assert round_ > 2


@contextmanager
def recorder_on(root: Path, disk: FolderDisk | None = None) -> Iterator[tuple[Recorder, list[StorageTurn]]]:
    told: list[StorageTurn] = []
    recorder = Recorder(root, BOUNDS, SetClock(), told.append, disk)
    recorder.start()
    yield recorder, told
    recorder.close(10)


def feed(recording: CameraRecording, packets: Iterable[tuple[CodedPacket, int]]) -> None:
    for coded, captured_us in packets:
        recording.take(coded, captured_us)


def test_recorder_tells_of_a_full_disk_and_goes_on_when_there_is_room(tmp_path: Path, packets: Packets) -> None:
    with small_disk(tmp_path) as disk, recorder_on(disk.path / "ring") as (recorder, told):
        recording = recorder.for_camera(recorded_spec("door"))
        disk.leave(0)
        feed(recording, packets)
        wait_for(lambda: told, lambda turns: len(turns) == 1)
        disk.leave_all()
        feed(recording, later(packets, 60))
        recording.close()
        wait_for(lambda: recording.waits, lambda waits: not waits)
        recorder.close(10)
        assert assert_whole(disk.path / "ring") >= len(packets)

    assert [turn.is_low for turn in told] == [True]
    assert "room" in told[0].reason


def test_oldest_recordings_make_room_where_others_fill_the_disk(tmp_path: Path, packets: Packets) -> None:
    with small_disk(tmp_path, size_kib=8192) as disk:
        root = disk.path / "ring"
        with recorder_on(root) as (recorder, told):
            recording = recorder.for_camera(recorded_spec("door"))
            for number in range(3):
                feed(recording, later(packets, number * 60))
                recording.reconnected()
            wait_for(lambda: not recording.waits and len(segments_of(root, DOOR)), lambda seen: seen == 3)
            assert told == []
            disk.leave(0)
            feed(recording, later(packets, 180))
            recording.close()

        begins = [segment.begins_us for segment in segments_of(root, DOOR)]
        assert begins[0] > BEGINS_US
        assert begins[-1] >= BEGINS_US + 179 * SECOND_US
        assert [turn.is_low for turn in told] == [True]
        assert "recordings go before their time" in told[0].reason
        assert_whole(root)


def test_disk_that_hangs_never_keeps_a_camera_waiting(tmp_path: Path, packets: Packets) -> None:
    disk = HangingDisk(tmp_path)
    longest_s, size_bytes = 0.0, sum(coded.size_bytes for coded, _ in packets)
    rounds = MOST_QUEUED_BYTES // size_bytes + 3
    with recorder_on(tmp_path, disk) as (recorder, told):
        hung = recorder.for_camera(recorded_spec("door"))
        disk.hang()
        for number in range(rounds):
            for coded, captured_us in later(packets, number * 4):
                began_s = time.monotonic()
                hung.take(coded, captured_us)
                longest_s = max(longest_s, time.monotonic() - began_s)
        recorder._answered_s -= 60
        recorder.check()
        disk.answer()
        wait_for(lambda: hung.waits, lambda waits: not waits)
        feed(hung, later(packets, 3600))
        hung.close()

    assert longest_s < 0.2
    assert [turn.is_low for turn in told] == [True]
    assert "has not answered for 6" in told[0].reason
    kept = assert_whole(tmp_path)
    # what the queue held, and what came after
    assert (rounds - 3) * len(packets) < kept < (rounds + 1) * len(packets)
    assert sum(len(pictures_of(segment.path)) for segment in segments_of(tmp_path, DOOR)) == kept


def test_other_cameras_are_recorded_while_one_is_damaged_and_one_unsupported(tmp_path: Path, packets: Packets) -> None:
    strange = list(at_their_time(coded_packets(coded_clip(tmp_path, "vp8", seconds=1))))
    with recorder_on(tmp_path / "ring") as (recorder, _):
        door, yard, bad = (recorder.for_camera(recorded_spec(name)) for name in ("door", "yard", "bad"))
        for (coded, captured_us), (other, _) in zip(packets, strange * 4, strict=True):
            yard.take(other, captured_us)
            bad.take(damaged(coded), captured_us)
            door.take(coded, captured_us)
        for recording in (door, yard, bad):
            recording.close()

    assert assert_whole(tmp_path / "ring") == len(packets)
    assert segments_of(tmp_path / "ring", CameraId("yard")) == segments_of(tmp_path / "ring", CameraId("bad")) == []


def damaged(coded: CodedPacket) -> CodedPacket:
    """A packet whose bytes are noise, of a camera that told no parameter sets."""
    packet = cast("Packet[VideoStream]", Packet(b"\x00\x00\x01\x65noise" * 20))
    return CodedPacket(packet, VideoCodecContext.create("h264", "r"), packet.size, coded.is_keyframe)


def test_camera_that_may_not_be_recorded_any_more_ends_its_segment(tmp_path: Path, packets: Packets) -> None:
    with recorder_on(tmp_path) as (recorder, _):
        recording = recorder.for_camera(recorded_spec("door"))
        feed(recording, packets[:50])
        recording.update(camera_spec("door"))
        feed(recording, packets[50:])
        recording.update(recorded_spec("door"))
        feed(recording, later(packets, 60))
        recording.close()

    assert [segment.begins_us // SECOND_US for segment in segments_of(tmp_path, DOOR)] == [
        BEGINS_US // SECOND_US,
        BEGINS_US // SECOND_US + 60,
    ]
    assert assert_whole(tmp_path) == 150


def test_storage_is_told_low_once_and_well_after_a_calm_minute_with_room_to_spare() -> None:
    watch = StorageWatch(1000)

    assert watch.look(10, 0) is None
    low = watch.trouble("full", 1)
    assert low == StorageTurn(True, 1, "full")
    assert watch.trouble("still full", 50) is None
    assert watch.look(10**6, 109) is None
    assert watch.look(1050, 111) is None
    assert watch.look(1100, 112) == StorageTurn(False, 1, "recordings are kept as they should be")
    assert watch.look(1100, 113) is None
    assert watch.trouble("full", 114) == StorageTurn(True, 2, "full")


def test_storage_that_was_low_before_is_told_well_once_and_not_low_again() -> None:
    watch = StorageWatch(1000, trouble_s=0)

    assert watch.trouble("still full", 10) is None
    assert watch.look(1100, 69) is None
    assert watch.look(1100, 71) == StorageTurn(False, 0, "recordings are kept as they should be")
    assert watch.trouble("full", 114) == StorageTurn(True, 1, "full")


def test_storage_that_was_low_is_well_where_nothing_is_recorded_any_more() -> None:
    watch = StorageWatch(1000, trouble_s=0)

    assert watch.nothing_to_keep(59) is None
    assert watch.nothing_to_keep(60) == StorageTurn(False, 0, "nothing is recorded here any more")
    assert watch.nothing_to_keep(61) is None
