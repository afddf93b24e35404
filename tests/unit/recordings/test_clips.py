"""A clip is on the disk whole or not at all, for as long and as many bytes as clips may have."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.fakes.clock import SetClock
from tests.fakes.coded import BEGINS_US, at_their_time, coded_clip, coded_packets, pictures_of
from tests.fakes.ring import record, writer_in
from tests.fakes.site_records import event
from tests.fakes.small_disk import small_disk
from watchpost.contracts.clips import gets_clip, had_clip
from watchpost.contracts.records import CameraId, EventPhase, EventType
from watchpost.errors import RetryableError
from watchpost.recordings.clip_rules import ClipTimes, clip_times
from watchpost.recordings.clips import Clips
from watchpost.recordings.cutting import Cut, cut_of
from watchpost.settings import ClipSettings

DOOR = CameraId("door")
EVENT = "8a0f2b6e-5f0e-5a3b-9c57-0d9a3a1d9f6c"
SECOND_US = 1_000_000
DAY_US = 24 * 3600 * SECOND_US
AT = datetime(2026, 1, 5, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def cut(tmp_path_factory: pytest.TempPathFactory) -> Cut:
    root = tmp_path_factory.mktemp("ring")
    writer = writer_in(root)
    record(writer, at_their_time(coded_packets(coded_clip(root, kbps=4000))))
    writer.end()
    return cut_of(root, DOOR, BEGINS_US, BEGINS_US + 4 * SECOND_US)


def clips_in(root: Path, clock: SetClock | None = None, *, keep_days: float = 30, max_bytes: int = 10**9) -> Clips:
    return Clips(root, ClipSettings(keep_days=keep_days, max_bytes=max_bytes), clock or SetClock())


def test_clip_is_named_by_its_event(tmp_path: Path, cut: Cut) -> None:
    clips = clips_in(tmp_path)
    assert clips.path(EVENT) is None

    clips.keep(EVENT, cut, BEGINS_US)

    assert clips.path(EVENT) == tmp_path / "clips" / f"{EVENT}.mp4"
    assert len(pictures_of(tmp_path / "clips" / f"{EVENT}.mp4")) == 100
    assert [path.name for path in (tmp_path / "clips").iterdir()] == [f"{EVENT}.mp4"]


@pytest.mark.parametrize("name", ["", "..", "../x", "a/b", ".hidden", "x" * 65, "a\x00b", "é"])
def test_what_can_be_no_events_id_names_no_file(tmp_path: Path, cut: Cut, name: str) -> None:
    clips = clips_in(tmp_path)

    assert clips.path(name) is None
    with pytest.raises(ValueError, match="is no event's id"):
        clips.keep(name, cut, BEGINS_US)


def test_full_disk_leaves_no_half_clip_and_takes_it_when_there_is_room(tmp_path: Path, cut: Cut) -> None:
    with small_disk(tmp_path, size_kib=8192) as disk:
        clips, failures = clips_in(disk.path), 0
        for free_bytes in (0, 4096, 65536, cut.size_bytes // 2, cut.size_bytes - 8192, cut.size_bytes + 16384):
            disk.leave(free_bytes)
            try:
                clips.keep(EVENT, cut, BEGINS_US)
            except RetryableError:
                failures += 1
                assert clips.path(EVENT) is None
                assert list((disk.path / "clips").glob("*")) == list((disk.path / "clips").glob(".*")) == []
        disk.leave_all()
        clips.keep(EVENT, cut, BEGINS_US)
        assert len(pictures_of(disk.path / "clips" / f"{EVENT}.mp4")) == 100

    assert failures == 5


def test_old_clips_go_and_the_oldest_where_they_are_too_large(tmp_path: Path, cut: Cut) -> None:
    for day in range(5):
        clips_in(tmp_path).keep(f"event-{day}", cut, BEGINS_US + day * DAY_US)
    size_bytes = (tmp_path / "clips" / "event-0.mp4").stat().st_size

    def left() -> list[str]:
        return sorted(path.stem for path in (tmp_path / "clips").iterdir())

    clips_in(tmp_path, SetClock(AT + timedelta(days=6)), keep_days=5.5).sweep()
    assert left() == ["event-1", "event-2", "event-3", "event-4"]
    clips_in(tmp_path, max_bytes=max(2**20, 3 * size_bytes + 1)).sweep()
    assert left() == ["event-2", "event-3", "event-4"]


def test_what_a_killed_process_left_goes_when_it_is_old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "clips").mkdir()
    left = tmp_path / "clips" / f".{EVENT}.1.part"
    left.write_bytes(b"half")

    clips_in(tmp_path).sweep()
    assert left.exists()
    changed_s = left.stat().st_ctime
    monkeypatch.setattr("watchpost.recordings.clips.time.time", lambda: changed_s + 601)
    clips_in(tmp_path).sweep()
    assert not left.exists()


def test_clip_shows_the_time_before_the_event_began_to_after_it_was_confirmed() -> None:
    fall = replace(event("door"), opened_at=AT, at=AT + timedelta(seconds=2))
    long_stay = replace(fall, at=AT + timedelta(hours=1))

    assert clip_times(fall, 10, 5) == ClipTimes(
        BEGINS_US - 10 * SECOND_US, BEGINS_US + 2 * SECOND_US, BEGINS_US + 7 * SECOND_US
    )
    assert clip_times(long_stay, 10, 5).from_us == BEGINS_US + (3600 - 130) * SECOND_US


def test_only_confirmed_events_of_what_cameras_see_get_a_clip() -> None:
    fall = replace(event("door"), type=EventType.FALL_DETECTED, phase=EventPhase.CONFIRMED)

    assert gets_clip(fall)
    assert gets_clip(replace(fall, type="queue_at_the_till"))
    assert not gets_clip(replace(fall, type=EventType.CAMERA_OFFLINE))
    assert not gets_clip(replace(fall, type=EventType.PERSON_COUNT))
    assert not any(gets_clip(replace(fall, phase=phase)) for phase in EventPhase if phase is not EventPhase.CONFIRMED)
    assert had_clip(replace(fall, phase=EventPhase.ENDED))
    assert not had_clip(replace(fall, phase=EventPhase.CANDIDATE))
