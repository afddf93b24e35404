"""A point in a polygon, held against OpenCV's own test and against plain rectangles."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watchpost.vision.geometry import FractionPoint
from watchpost.vision.polygons import contains

_GRID = 16
"""Sixteenths are exact in binary: OpenCV's whole numbers and our fractions then mean the same points."""

_places = st.tuples(st.integers(0, _GRID), st.integers(0, _GRID))


def _fractions(place: tuple[int, int]) -> FractionPoint:
    return FractionPoint(place[0] / _GRID, place[1] / _GRID)


@given(st.lists(_places, min_size=3, max_size=9), _places)
@settings(max_examples=400, deadline=None)
def test_point_is_where_opencv_finds_it_whatever_the_polygon(
    corners: list[tuple[int, int]], place: tuple[int, int]
) -> None:
    found = cv2.pointPolygonTest(np.array(corners, np.int32), place, measureDist=False)

    assert contains([_fractions(corner) for corner in corners], _fractions(place)) == (found >= 0)


@given(one=_places, other=_places, place=_places, first=st.integers(0, 3), turned=st.sampled_from([1, -1]))
@settings(max_examples=200, deadline=None)
def test_rectangle_holds_what_its_sides_say_whatever_its_first_corner_and_sense(
    one: tuple[int, int], other: tuple[int, int], place: tuple[int, int], first: int, turned: int
) -> None:
    (x0, x1), (y0, y1) = sorted((one[0], other[0])), sorted((one[1], other[1]))
    corners = [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]
    corners = (corners[first:] + corners[:first])[::turned]

    held = contains([_fractions(corner) for corner in corners], _fractions(place))

    assert held == (x0 <= place[0] <= x1 and y0 <= place[1] <= y1)


@pytest.mark.parametrize(
    ("x", "y", "held"),
    [(0.5, 1.0, True), (0.0, 0.7, True), (0.5, 0.5, True), (0.5, 0.4999, False), (1.0, 1.0, True)],
)
def test_feet_at_the_edge_of_the_picture_are_in_the_zone_that_ends_there(x: float, y: float, *, held: bool) -> None:
    # as settings make it of corners whose origin is bottom-left
    zone = [FractionPoint(x, 1 - y) for x, y in ((0.0, 0.0), (1.0, 0.0), (1.0, 0.5), (0.0, 0.5))]

    assert contains(zone, FractionPoint(x, y)) == held


def test_corner_that_is_written_twice_changes_nothing() -> None:
    triangle = [FractionPoint(0.2, 0.2), FractionPoint(0.8, 0.2), FractionPoint(0.2, 0.8)]
    closed = [*triangle, triangle[0]]

    for point in (FractionPoint(0.3, 0.3), FractionPoint(0.9, 0.9), FractionPoint(0.2, 0.2)):
        assert contains(closed, point) == contains(triangle, point)
