"""The frame store gives back what was put, notices what is not, and forgets in time."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from watchpost.errors import FrameCorruptError, FrameGoneError
from watchpost.frames import FrameStore
from watchpost.settings import FrameSettings


class HandClock:
    """A clock whose hands the test turns."""

    def __init__(self) -> None:
        self.time = datetime(2026, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


def store_in(folder: Path, clock: HandClock, codec: Literal["i420", "jpeg"] = "i420") -> FrameStore:
    return FrameStore(FrameSettings(url=f"file://{folder}", codec=codec, max_bytes=16 * 1024 * 1024), clock)


def grey(level: int, width_px: int = 64, height_px: int = 48) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    frame = np.full((height_px * 3 // 2, width_px), 128, np.uint8)
    frame[:height_px] = level
    return frame


@pytest.mark.parametrize("codec", ["i420", "jpeg"])
def test_frame_put_by_one_process_is_read_by_another(
    tmp_path: Path, clock: HandClock, codec: Literal["i420", "jpeg"]
) -> None:
    reference = store_in(tmp_path, clock, codec).put("door", "f1", grey(200))

    pixels = store_in(tmp_path, clock, codec).load_bgr(reference)

    assert pixels.shape == (48, 64, 3)
    # video range: Y 200 is (200 - 16) * 255 / 219 in full range
    assert abs(float(pixels.mean()) - 214) < 3


def test_frame_whose_bytes_were_changed_is_refused(tmp_path: Path, clock: HandClock) -> None:
    store = store_in(tmp_path, clock)
    reference = store.put("door", "f1", grey(200))
    file = Path(reference.uri.removeprefix("file://"))
    file.write_bytes(b"\x00" + file.read_bytes()[1:])

    with pytest.raises(FrameCorruptError, match="checksum"):
        store.load_bgr(reference)


def test_frame_is_gone_after_its_time(tmp_path: Path, clock: HandClock) -> None:
    store = store_in(tmp_path, clock)
    reference = store.put("door", "f1", grey(1))
    clock.time += timedelta(seconds=31)

    store.put("door", "f2", grey(2))

    with pytest.raises(FrameGoneError):
        store.load_bgr(reference)


def test_oldest_frames_go_first_when_the_store_is_full(tmp_path: Path, clock: HandClock) -> None:
    store = store_in(tmp_path, clock)
    big = grey(1, 1920, 1080)  # 3.1 MB: the sixth does not fit beside five others

    references = [store.put("door", f"f{number}", big) for number in range(6)]

    assert store.kept_bytes <= 16 * 1024 * 1024
    with pytest.raises(FrameGoneError):
        store.load_bgr(references[0])
    assert store.load_bgr(references[-1]).shape == (1080, 1920, 3)


def test_orphans_of_a_dead_writer_are_swept_and_fresh_frames_are_not(tmp_path: Path, clock: HandClock) -> None:
    clock.time = datetime.now(UTC)  # the file system's own time stamps the files
    store_in(tmp_path, clock).put("door", "dead", grey(1))
    clock.time += timedelta(minutes=5)
    heir = store_in(tmp_path, clock)

    assert heir.sweep_orphans() == 1
    assert list(tmp_path.rglob("*.i420")) == []


def test_reference_into_another_store_is_refused(tmp_path: Path, clock: HandClock) -> None:
    store = store_in(tmp_path / "a", clock)
    reference = store.put("door", "f1", grey(1))

    with pytest.raises(FrameGoneError, match="does not lie in"):
        store.load_bgr(replace(reference, uri="file:///etc/passwd"))
