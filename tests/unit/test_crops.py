"""Turned cuts: a box found in one lies where it should in the picture."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchpost.vision.crops import cut_square
from watchpost.vision.geometry import PixelBox


def _marked(x0: int, y0: int, x1: int, y1: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    picture = np.zeros((120, 160, 3), np.uint8)
    picture[y0:y1, x0:x1] = 255
    return picture


@pytest.mark.parametrize("quarters", [0, 1, 2, 3])
def test_box_of_a_turned_cut_comes_back_to_its_place(quarters: int) -> None:
    picture = _marked(70, 40, 110, 52)
    cut = cut_square(picture, 80, 60, 90).turned(quarters)

    rows, columns = np.nonzero(cut.pixels[..., 0] == 255)
    found = PixelBox(columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)

    assert cut.in_picture(found) == PixelBox(70, 40, 110, 52)


def test_what_lies_outside_of_the_picture_is_grey() -> None:
    cut = cut_square(_marked(0, 0, 160, 120), 0, 0, 40)

    assert (cut.pixels[:20] == 114).all()
    assert (cut.pixels[20:, 20:] == 255).all()


def test_cut_far_outside_of_the_picture_is_all_grey() -> None:
    assert (cut_square(_marked(0, 0, 160, 120), 900, -900, 40).pixels == 114).all()


@given(st.floats(-50, 200), st.floats(-50, 200), st.floats(1, 300), st.integers(0, 7))
def test_cuts_are_square_and_turning_four_times_changes_nothing(x: float, y: float, side: float, turns: int) -> None:
    cut = cut_square(_marked(10, 10, 50, 60), x, y, side)
    back = cut.turned(turns).turned(4 - turns % 4)

    assert cut.pixels.shape[0] == cut.pixels.shape[1]
    assert back.quarters == 0
    assert np.array_equal(back.pixels, cut.pixels)
