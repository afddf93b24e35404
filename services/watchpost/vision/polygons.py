"""Whether a point lies in a polygon."""

from collections.abc import Sequence
from itertools import pairwise

from watchpost.vision.geometry import FractionPoint

__all__ = ["contains"]

_NOTHING = 1e-9
"""What rounding may leave between a point and the edge on which it lies."""


def contains(polygon: Sequence[FractionPoint], point: FractionPoint) -> bool:
    """Whether `point` lies in `polygon` or on its edge, which closes by itself; where it crosses itself, by even-odd.

    The edge belongs to it, because who stands where the picture ends has the feet on the zone's edge. Crossings of a
    ray (Shimrat, "Algorithm 112: Position of Point Relative to Polygon", 1962); cost: one pass over the corners.
    """
    inside = False
    for start, end in pairwise((*polygon, polygon[0])):
        if _on_edge(start, end, point):
            return True
        if (start.y > point.y) != (end.y > point.y):
            crossing_x = start.x + (point.y - start.y) * (end.x - start.x) / (end.y - start.y)
            inside ^= point.x < crossing_x
    return inside


def _on_edge(start: FractionPoint, end: FractionPoint, point: FractionPoint) -> bool:
    across = (end.x - start.x) * (point.y - start.y) - (end.y - start.y) * (point.x - start.x)
    return (
        abs(across) <= _NOTHING
        and min(start.x, end.x) - _NOTHING <= point.x <= max(start.x, end.x) + _NOTHING
        and min(start.y, end.y) - _NOTHING <= point.y <= max(start.y, end.y) + _NOTHING
    )
