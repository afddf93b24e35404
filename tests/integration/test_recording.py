"""Reading recordings: any container and codec, any rate, portrait, and every way in which a file can be bad."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from tests.fakes.recordings import moving_square, turned_in_header, write_recording, write_sound
from watchpost.errors import SourceError, SourceFailure
from watchpost.vision.recording import RecordedFrame, read_recording


def _read(path: Path, fps: float = 5) -> list[RecordedFrame]:
    return list(read_recording(path, fps))


@pytest.mark.parametrize(
    ("name", "codec", "pixel_format"),
    [
        ("a.mp4", "libx264", "yuv420p"),
        ("a.mp4", "libx264", "yuv444p"),
        ("a.mkv", "libx265", "yuv420p10le"),
        ("a.avi", "mpeg4", "yuv420p"),
        ("a.avi", "mjpeg", "yuvj420p"),
        ("a.webm", "libvpx-vp9", "yuv420p"),
        ("a.mov", "libx264", "yuv420p"),
        ("a.ts", "mpeg2video", "yuv420p"),
        ("a.flv", "flv", "yuv420p"),
    ],
)
def test_container_and_codec_are_read(tmp_path: Path, name: str, codec: str, pixel_format: str) -> None:
    path = write_recording(tmp_path / name, moving_square(50), codec=codec, pixel_format=pixel_format)

    frames = _read(path)

    assert len(frames) == 10
    assert frames[0].bgr.shape == (240, 320, 3)
    assert frames[0].time_s == 0
    assert frames[-1].time_s == pytest.approx(1.8, abs=0.05)


@pytest.mark.parametrize("fps", [Fraction(1), Fraction(3), Fraction(10), Fraction(30_000, 1001), Fraction(60)])
def test_any_frame_rate_is_sampled_to_at_most_the_asked_one(tmp_path: Path, fps: Fraction) -> None:
    seconds = 6
    path = write_recording(tmp_path / "a.mkv", moving_square(int(seconds * fps)), fps=fps)

    frames = _read(path, 5)

    assert len(frames) == pytest.approx(seconds * min(5, float(fps)), abs=1)
    times = [frame.time_s for frame in frames]
    assert times == sorted(set(times))
    assert [frame.index for frame in frames] == [round(time_s * float(fps)) for time_s in times]


def test_every_frame_is_read_when_asked_for(tmp_path: Path) -> None:
    path = write_recording(tmp_path / "a.mp4", moving_square(30))

    assert [frame.index for frame in _read(path, 1000)] == list(range(30))


def test_portrait_recording_is_read_as_it_is_shown(tmp_path: Path) -> None:
    path = turned_in_header(write_recording(tmp_path / "a.mp4", moving_square(10)))

    frame = _read(path)[0]

    assert frame.bgr.shape == (320, 240, 3)
    # the red corner goes from the upper left to the upper right when the picture is turned clockwise
    assert frame.bgr[10, -10, 2] > 150
    assert frame.bgr[10, -10, 0] < 100


def test_stretched_pixels_are_read_as_they_are_shown(tmp_path: Path) -> None:
    path = write_recording(tmp_path / "a.mp4", moving_square(10), codec="libx264", aspect=Fraction(2))

    assert _read(path)[0].bgr.shape == (240, 640, 3)


def test_raw_stream_without_times_takes_them_from_its_rate(tmp_path: Path) -> None:
    path = write_recording(tmp_path / "a.h264", moving_square(50))

    frames = _read(path)

    assert len(frames) == 10
    assert frames[-1].time_s == pytest.approx(1.8, abs=0.1)


def test_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="is no file") as caught:
        _read(tmp_path / "none.mp4")
    assert caught.value.reason is SourceFailure.REFUSED


def test_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="is no file"):
        _read(tmp_path)


@pytest.mark.parametrize("data", [b"", b"no video at all", bytes(range(256)) * 64])
def test_garbage_is_told(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(data)

    with pytest.raises(SourceError, match="is no video recording that can be read") as caught:
        _read(path)
    assert caught.value.reason is SourceFailure.UNSUPPORTED


def test_sound_without_picture_is_told(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="holds no video stream"):
        _read(write_sound(tmp_path / "a.m4a"))


@pytest.mark.parametrize("name", ["a.mkv", "a.avi", "a.mp4"])
def test_truncated_recording_gives_its_frames_and_then_the_error(tmp_path: Path, name: str) -> None:
    path = write_recording(tmp_path / name, _noise(150), codec="mpeg4", options={"movflags": "faststart"})
    _cut(path, 0.6)

    frames, error = _read_to_the_error(path)

    assert len(frames) > 12
    assert error is not None
    assert error.reason is SourceFailure.ENDED


def test_truncated_fragments_give_their_frames(tmp_path: Path) -> None:
    path = write_recording(
        tmp_path / "a.mp4", _noise(150), codec="mpeg4", options={"movflags": "frag_keyframe+empty_moov"}
    )
    _cut(path, 0.6)

    frames, _ = _read_to_the_error(path)

    assert len(frames) > 12


def test_truncated_recording_whose_index_is_lost_is_told(tmp_path: Path) -> None:
    path = write_recording(tmp_path / "a.mp4", _noise(50))
    _cut(path, 0.6)

    frames, error = _read_to_the_error(path)

    assert not frames
    assert error is not None
    assert error.reason is SourceFailure.UNSUPPORTED


def test_broken_pictures_in_the_middle_are_passed_over(tmp_path: Path) -> None:
    path = write_recording(tmp_path / "a.mkv", moving_square(100), codec="mpeg4")
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 400] = bytes(400)
    path.write_bytes(bytes(data))

    frames, _ = _read_to_the_error(path)

    assert len(frames) >= 9


def _cut(path: Path, share: float) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])


def _read_to_the_error(path: Path) -> tuple[list[RecordedFrame], SourceError | None]:
    frames: list[RecordedFrame] = []
    try:
        for frame in read_recording(path, 5):
            frames.append(frame)  # noqa: PERF402 extend() would lose the frames before the error
    except SourceError as problem:
        return frames, problem
    return frames, None


def _noise(frames: int) -> Iterator[npt.NDArray[np.uint8]]:
    """Pictures that do not compress: cutting a file takes many of them away."""
    rng = np.random.default_rng(4)
    for _ in range(frames):
        yield rng.integers(0, 255, (120, 160, 3), np.uint8)
