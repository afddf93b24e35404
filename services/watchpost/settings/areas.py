"""How the configuration writes parts of a picture: rectangles and polygons of fractions, and heights in pixels."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from watchpost.settings.described import Fraction
from watchpost.vision.geometry import FULL_FRAME, FractionBox, FractionPoint

__all__ = [
    "LEAST_CORNERS",
    "MaskPolygon",
    "Polygon",
    "Resolution",
    "Roi",
    "RoiOrigin",
    "points_from_top_left",
    "roi_from_top_left",
]

RoiOrigin = Literal["bottom-left", "top-left"]

LEAST_CORNERS = 3
_MOST_CORNERS = 64
_EDGES = 4
_NAMED_HEIGHTS_PX = {"360p": 360, "480p": 480, "540p": 540, "720p": 720, "1080p": 1080, "1440p": 1440, "2160p": 2160}

_Edges = tuple[float, float, float, float]
_Corners = tuple[tuple[float, float], ...]


def _height_px(value: object) -> object:
    if isinstance(value, str):
        if value not in _NAMED_HEIGHTS_PX:
            raise ValueError(f"{value!r} is no resolution; write one of {', '.join(_NAMED_HEIGHTS_PX)} or a height")
        return _NAMED_HEIGHTS_PX[value]
    return value


def _checked_roi(value: _Edges) -> _Edges:
    x0, y0, x1, y1 = value
    shape = "write [x0, y0, x1, y1] as fractions of the frame"
    if not all(0 <= edge <= 1 for edge in value):
        raise ValueError(f"{list(value)} leaves the frame (0 to 1); {shape}")
    if x0 >= x1:
        raise ValueError(f"x0 ({x0}) is not left of x1 ({x1}); {shape}")
    if y0 >= y1:
        raise ValueError(f"y0 ({y0}) is not before y1 ({y1}); {shape}")
    return value


def _checked_corner(corner: tuple[float, float]) -> tuple[float, float]:
    if not all(0 <= side <= 1 for side in corner):
        raise ValueError(f"{list(corner)} leaves the frame; write [x, y] as fractions of the frame, 0 to 1")
    return corner


def _checked_polygon(corners: _Corners) -> _Corners:
    if len(set(corners)) < LEAST_CORNERS:
        raise ValueError("is no area; write at least three different corners [[x, y], [x, y], [x, y]]")
    return corners


def _rectangle_as_polygon(value: Any) -> Any:
    """`[x0, y0, x1, y1]` is short for its four corners."""
    is_rectangle = isinstance(value, list | tuple) and all(isinstance(edge, int | float) for edge in value)
    if not is_rectangle or not value:
        return value
    if len(value) != _EDGES:
        raise ValueError(
            f"{list(value)} is no rectangle; write [x0, y0, x1, y1], or a polygon [[x, y], [x, y], [x, y]]"
        )
    x0, y0, x1, y1 = _checked_roi((value[0], value[1], value[2], value[3]))
    return ((x0, y0), (x1, y0), (x1, y1), (x0, y1))


_NamedHeight = Literal["360p", "480p", "540p", "720p", "1080p", "1440p", "2160p"]
_HeightPx = Annotated[int, Field(ge=90, le=4320)]
_Corner = Annotated[tuple[Fraction, Fraction], AfterValidator(_checked_corner)]
_Rectangle = tuple[Fraction, Fraction, Fraction, Fraction]
_AtLeastThree = Annotated[
    tuple[tuple[Fraction, Fraction], ...], Field(min_length=LEAST_CORNERS, max_length=_MOST_CORNERS)
]

Resolution = Annotated[_HeightPx, BeforeValidator(_height_px, json_schema_input_type=_HeightPx | _NamedHeight)]
Roi = Annotated[_Rectangle, AfterValidator(_checked_roi)]
Polygon = Annotated[tuple[_Corner, ...], Field(max_length=_MOST_CORNERS), AfterValidator(_checked_polygon)]
MaskPolygon = Annotated[
    Polygon, BeforeValidator(_rectangle_as_polygon, json_schema_input_type=_Rectangle | _AtLeastThree)
]


def roi_from_top_left(roi: _Edges | None, origin: RoiOrigin) -> FractionBox:
    """The rectangle with its origin top-left, whatever origin the configuration used; the full frame without one."""
    if roi is None:
        return FULL_FRAME
    x0, y0, x1, y1 = roi
    return FractionBox(x0, 1 - y1, x1, 1 - y0) if origin == "bottom-left" else FractionBox(x0, y0, x1, y1)


def points_from_top_left(polygon: _Corners, origin: RoiOrigin) -> tuple[FractionPoint, ...]:
    """The corners with their origin top-left, whatever origin the configuration used."""
    return tuple(FractionPoint(x, 1 - y if origin == "bottom-left" else y) for x, y in polygon)
