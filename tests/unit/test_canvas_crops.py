"""Parts of a picture: all that changed lies in them, and they are as large as a canvas."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchpost.vision.canvas_crops import changed_part
from watchpost.vision.geometry import FractionBox, PixelBox

_CANVASES = ((640, 352), (320, 192), (960, 544))
_SIZE = (1280, 720)


def test_smallest_canvas_that_holds_the_change_is_taken_around_it() -> None:
    part = changed_part(_SIZE, [FractionBox(0.45, 0.45, 0.55, 0.55)], _CANVASES, margin_px=16)

    assert part == PixelBox(480, 264, 800, 456)


def test_change_at_the_edge_is_shown_without_leaving_the_picture() -> None:
    part = changed_part(_SIZE, [FractionBox(0.95, 0.0, 1.0, 0.05)], _CANVASES)

    assert part == PixelBox(960, 0, 1280, 192)


@pytest.mark.parametrize(
    ("changed", "canvases"),
    [
        ([], _CANVASES),
        ([FractionBox(0.0, 0.0, 1.0, 1.0)], _CANVASES),
        ([FractionBox(0.0, 0.0, 0.1, 0.1), FractionBox(0.9, 0.9, 1.0, 1.0)], _CANVASES),
        ([FractionBox(0.4, 0.4, 0.5, 0.5)], ()),
        ([FractionBox(0.4, 0.4, 0.5, 0.5)], (_SIZE, (640, 1000))),
    ],
)
def test_picture_stays_whole_where_nothing_smaller_shows_all_that_changed(
    changed: list[FractionBox], canvases: tuple[tuple[int, int], ...]
) -> None:
    assert changed_part(_SIZE, changed, canvases) is None


def test_boxes_of_the_full_frame_are_found_in_the_part_that_the_picture_shows() -> None:
    roi = FractionBox(0.5, 0.5, 1.0, 1.0)

    part = changed_part(_SIZE, [FractionBox(0.7, 0.7, 0.8, 0.8)], [(320, 192)], roi, margin_px=0)

    assert part == PixelBox(480, 264, 800, 456)


@given(
    st.tuples(st.floats(0, 0.9), st.floats(0, 0.9), st.floats(0.01, 0.5), st.floats(0.01, 0.5)),
    st.tuples(st.integers(64, 2000), st.integers(64, 2000)),
)
def test_part_holds_the_change_is_a_canvas_and_lies_in_the_picture(
    box: tuple[float, float, float, float], size_px: tuple[int, int]
) -> None:
    changed = FractionBox(box[0], box[1], min(1.0, box[0] + box[2]), min(1.0, box[1] + box[3]))

    part = changed_part(size_px, [changed], _CANVASES)

    if part is not None:
        inner = changed.to_pixels(*size_px)
        assert (part.width, part.height) in _CANVASES
        assert part == part.clipped(*size_px)
        assert part.x0 <= inner.x0 + 1
        assert part.y0 <= inner.y0 + 1
        assert part.x1 >= inner.x1 - 1
        assert part.y1 >= inner.y1 - 1
