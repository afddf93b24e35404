"""What is cut out of a decoded picture."""

from fractions import Fraction

import cv2
import numpy as np
import pytest
from av import VideoFrame
from av.video.reformatter import ColorRange
from hypothesis import given, settings
from hypothesis import strategies as st

from watchpost.contracts.records import SourceSize
from watchpost.ingest.pictures import Plane, View, VisiblePlanes, cut, luma_of, turned, view_of, visible_planes
from watchpost.vision.geometry import FULL_FRAME, FractionBox

SQUARE = Fraction(1)


def frame(width_px: int, height_px: int, pixel_format: str = "yuv420p") -> VideoFrame:
    """Red in the left upper quarter, green in the right upper one, blue below: each side can be told."""
    rgb = np.zeros((height_px, width_px, 3), np.uint8)
    rgb[: height_px // 2, : width_px // 2] = (200, 20, 20)
    rgb[: height_px // 2, width_px // 2 :] = (20, 200, 20)
    rgb[height_px // 2 :] = (20, 20, 200)
    return VideoFrame.from_ndarray(rgb, format="rgb24").reformat(format=pixel_format)


def planes(image: VideoFrame) -> VisiblePlanes:
    return visible_planes(image, view_of(image, SQUARE), ())


def bgr(i420: Plane) -> Plane:
    return np.asarray(cv2.cvtColor(i420, cv2.COLOR_YUV2BGR_I420), np.uint8)


def colour_at(i420: Plane, x: float, y: float) -> str:
    picture = bgr(i420)
    height, width, _ = picture.shape
    return ["blue", "green", "red"][int(np.argmax(picture[int(y * height), int(x * width)]))]


def view(width_px: int, height_px: int, *, turns: int = 0) -> View:
    shown = SourceSize(height_px, width_px) if turns % 2 else SourceSize(width_px, height_px)
    return View(width_px, height_px, turns, shown)


@pytest.mark.parametrize(
    "pixel_format",
    ["yuv420p", "yuvj420p", "yuv422p", "yuvj422p", "yuv444p", "nv12", "yuyv422", "rgb24", "yuv420p10le", "bgra"],
)
def test_every_pixel_format_gives_the_same_colours(pixel_format: str) -> None:
    image = frame(320, 180, pixel_format)

    made = cut(planes(image), view_of(image, SQUARE), None, 720)

    assert made.i420.shape == (270, 320)
    assert made.roi is None
    picture = bgr(made.i420).astype(int)
    assert np.abs(picture[40, 80] - (20, 20, 200)).max() <= 6
    assert np.abs(picture[40, 240] - (20, 200, 20)).max() <= 6
    assert np.abs(picture[150, 160] - (200, 20, 20)).max() <= 6


def test_full_range_is_told_by_its_flag_too() -> None:
    image = frame(320, 180, "yuvj420p").reformat(format="yuv420p", dst_color_range=ColorRange.JPEG)
    assert image.color_range == ColorRange.JPEG

    picture = bgr(cut(planes(image), view_of(image, SQUARE), None, 720).i420).astype(int)

    assert np.abs(picture[40, 80] - (20, 20, 200)).max() <= 6


@pytest.mark.parametrize(
    ("size", "height_px", "expected"),
    [
        ((1920, 1080), 720, (1280, 720)),
        ((960, 540), 720, (960, 540)),  # never enlarged
        ((1920, 1080), 540, (960, 540)),
        ((768, 576), 360, (480, 360)),
        ((641, 361), 720, (640, 360)),  # I420 has pairs
        ((176, 144), 90, (110, 90)),
        ((2, 2), 720, (2, 2)),
    ],
)
def test_pictures_are_scaled_down_to_the_height(
    size: tuple[int, int], height_px: int, expected: tuple[int, int]
) -> None:
    image = frame(*size)

    made = cut(planes(image), view_of(image, SQUARE), None, height_px)

    assert made.i420.shape == (expected[1] * 3 // 2, expected[0])


def test_roi_is_cut_and_told_as_it_was_cut() -> None:
    image = frame(320, 180)

    made = cut(planes(image), view_of(image, SQUARE), FractionBox(0.501, 0.101, 0.9, 0.4), 720)

    assert made.roi is not None
    assert made.roi.x0 * 320 == 160
    assert made.roi.x1 * 320 == 288
    assert made.i420.shape[1] == 128
    assert colour_at(made.i420, 0.01, 0.5) == "green"


def test_pixels_that_are_not_square_are_stretched() -> None:
    image = frame(720, 576)

    shown = view_of(image, Fraction(16, 11))
    made = cut(planes(image), shown, None, 288)

    assert shown.shown == SourceSize(1047, 576)
    assert made.i420.shape == (432, 522)


@pytest.mark.parametrize(
    ("turns", "upper_left", "upper_right", "lower"),
    # counter-clockwise: what was at the right is now above
    [(1, "green", "blue", "red"), (2, "blue", "blue", "green"), (3, "blue", "red", "green")],
)
def test_turned_picture_is_upright_and_so_is_its_roi(turns: int, upper_left: str, upper_right: str, lower: str) -> None:
    image = frame(320, 180)

    made = cut(planes(image), view(320, 180, turns=turns), None, 720)

    rows = 270 if turns == 2 else 480
    assert made.i420.shape[0] == rows
    assert colour_at(made.i420, 0.2, 0.2) == upper_left
    assert colour_at(made.i420, 0.8, 0.2) == upper_right
    assert colour_at(made.i420, 0.2 if turns == 1 else 0.8 if turns == 3 else 0.2, 0.8) == lower


def test_roi_of_a_portrait_picture_is_meant_as_shown() -> None:
    image = frame(320, 180)

    made = cut(planes(image), view(320, 180, turns=1), FractionBox(0, 0, 0.4, 0.4), 720)

    assert colour_at(made.i420, 0.5, 0.5) == "green"
    assert made.i420.shape[0] // 3 * 2 == pytest.approx(128, abs=2)


@given(st.integers(-5, 9), st.tuples(*[st.floats(0, 1)] * 4))
def test_turning_back_gives_the_same_box(turns: int, corners: tuple[float, float, float, float]) -> None:
    (x0, x1), (y0, y1) = sorted(corners[:2]), sorted(corners[2:])

    there_and_back = turned(turned(FractionBox(x0, y0, x1, y1), turns), -turns)

    assert (there_and_back.x0, there_and_back.y0) == pytest.approx((x0, y0), abs=1e-9)
    assert (there_and_back.x1, there_and_back.y1) == pytest.approx((x1, y1), abs=1e-9)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(2, 400),
    st.integers(2, 400),
    st.tuples(*[st.floats(0, 1)] * 4),
    st.integers(0, 3),
    st.integers(90, 400),
)
def test_any_cut_is_even_no_larger_than_its_part_and_holds_what_was_asked(
    width_px: int, height_px: int, corners: tuple[float, float, float, float], turns: int, limit_px: int
) -> None:
    (x0, x1), (y0, y1) = sorted(corners[:2]), sorted(corners[2:])
    image = VideoFrame(width_px, height_px, "yuv420p")
    seen = view(width_px, height_px, turns=turns)

    made = cut(planes(image), seen, FractionBox(x0, y0, x1, y1), limit_px)

    rows, columns = made.i420.shape
    height = rows * 2 // 3
    part = made.roi or FULL_FRAME
    assert rows % 3 == columns % 2 == height % 2 == 0
    assert height <= max(2, min(limit_px, round(part.height * seen.shown.height, 6)))
    assert columns <= max(2, part.width * seen.shown.width + 1e-6)
    pixel = 3 / min(seen.shown.width, seen.shown.height)
    assert part.x0 <= x0 + pixel
    assert part.y0 <= y0 + pixel
    assert part.x1 >= x1 - pixel
    assert part.y1 >= y1 - pixel


def test_brightness_is_read_without_a_copy_where_the_format_allows() -> None:
    image = frame(320, 180)

    assert not luma_of(image).flags.owndata
    assert luma_of(frame(320, 180, "rgb24")).shape == (180, 320)
