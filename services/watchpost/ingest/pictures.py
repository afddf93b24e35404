"""Cuts what is analysed out of a decoded picture: masked, turned upright, a part of it, scaled down, as I420.

OpenCV works on each plane by itself: cutting costs nothing, and shrinking is three times faster than libswscale was
(1280x720 from 1920x1080: 1.9 ms against 6, one thread). libswscale still turns foreign pixel formats into planes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import NewType

import cv2
import numpy as np
from av import VideoFrame
from av.video.reformatter import ColorRange

from watchpost.contracts.camera_parts import Mask
from watchpost.contracts.records import SourceSize
from watchpost.ingest.picture_masks import Plane, covered, seen_pixels
from watchpost.vision.geometry import FULL_FRAME, FractionBox
from watchpost.vision.halving import halved

__all__ = [
    "CutPicture",
    "CutRegion",
    "Plane",
    "View",
    "VisiblePlanes",
    "cut",
    "luma_of",
    "turned",
    "view_of",
    "visible_luma",
    "visible_planes",
]

VisiblePlanes = NewType("VisiblePlanes", tuple[Plane, Plane, Plane])
"""Y, U and V without what masks hide: a type of their own, so that no other planes are cut and stored."""

_PLANAR = {"yuv420p", "yuvj420p", "yuv422p", "yuvj422p", "yuv444p", "yuvj444p"}
_LUMA_FIRST = {*_PLANAR, "nv12", "nv21", "nv16", "gray"}
_QUARTER_TURN = 90
_VIEWS = 64
_BLACK, _NO_COLOUR = 16, 128


@dataclass(frozen=True, slots=True)
class View:
    """How a decoded picture is shown: `turns` quarter turns counter-clockwise, then `shown` pixels, all of it."""

    coded_width_px: int
    coded_height_px: int
    turns: int
    shown: SourceSize


@dataclass(frozen=True, slots=True)
class CutPicture:
    """What is stored: `i420` of shape (height * 3 / 2, width), both even; `roi` is None for the whole picture."""

    i420: Plane
    roi: FractionBox | None


@dataclass(frozen=True, slots=True)
class CutRegion:
    """What is stored of a key region."""

    name: str
    picture: CutPicture


def view_of(image: VideoFrame, pixel_aspect: Fraction) -> View:
    """How `image` is to be shown. `pixel_aspect` is a pixel's width over its height, before turning."""
    turns = round(image.rotation / _QUARTER_TURN) % 4
    return _view(image.width, image.height, turns, pixel_aspect.numerator, pixel_aspect.denominator)


@lru_cache(_VIEWS)
def _view(coded_width_px: int, height_px: int, turns: int, aspect: int, by: int) -> View:
    width_px = max(1, round(Fraction(coded_width_px * aspect, by))) if aspect > 0 else coded_width_px
    shown = SourceSize(height_px, width_px) if turns % 2 else SourceSize(width_px, height_px)
    return View(coded_width_px, height_px, turns, shown)


def turned(box: FractionBox, turns: int) -> FractionBox:
    """The box after the picture was turned counter-clockwise by `turns` quarters (negative: clockwise)."""
    for _ in range(turns % 4):
        box = FractionBox(box.y0, 1 - box.x1, box.y1, 1 - box.x0)
    return box


def visible_planes(image: VideoFrame, view: View, masks: tuple[Mask, ...]) -> VisiblePlanes:
    """Y, U and V of 8 bits and studio range, black where the masks are.

    Without masks as they lie in `image` where they do: keep it as long as these are used.
    """
    luma, first, second = _planar(image)
    if masks:
        luma = covered(luma, _seen(luma, view, masks), _BLACK)
        first, second = (covered(plane, _seen(plane, view, masks), _NO_COLOUR) for plane in (first, second))
    return VisiblePlanes((luma, first, second))


def visible_luma(image: VideoFrame, view: View, masks: tuple[Mask, ...]) -> Plane:
    """The brightness of each pixel, (height, width), whatever range it has, black where the masks are.

    Without masks a view where the format allows.
    """
    luma = luma_of(image)
    return covered(luma, _seen(luma, view, masks), _BLACK) if masks else luma


def _seen(plane: Plane, view: View, masks: tuple[Mask, ...]) -> Plane:
    rows, columns = plane.shape
    return seen_pixels(masks, view.turns, (view.coded_height_px, view.coded_width_px), (rows, columns))


def _planar(image: VideoFrame) -> tuple[Plane, Plane, Plane]:
    if image.format.name not in _PLANAR:
        image = image.reformat(format="yuv420p", dst_color_range=ColorRange.MPEG)
    luma, first, second = (_plane(image, index) for index in range(3))
    if image.format.name.startswith("yuvj") or image.color_range == ColorRange.JPEG:
        return _studio(luma, 219, 16), _studio(first, 224, 16), _studio(second, 224, 16)
    return luma, first, second


def luma_of(image: VideoFrame) -> Plane:
    """The brightness of each pixel, (height, width), whatever range it has: a view where the format allows.

    What masks hide is in it: for what is neither stored nor told.
    """
    if image.format.name not in _LUMA_FIRST:
        image = image.reformat(format="yuv420p")
    return _plane(image, 0)


def cut(planes: VisiblePlanes, view: View, roi: FractionBox | None, height_px: int) -> CutPicture:
    """The part `roi` (fractions of the picture as shown) at `height_px` or, where it has fewer, at its own height."""
    part = turned(roi or FULL_FRAME, -view.turns)
    across = view.shown if view.turns % 2 == 0 else SourceSize(view.shown.height, view.shown.width)
    pieces, kept = zip(*(_piece(plane, part, view) for plane in planes), strict=True)
    box = kept[0]
    width_shown, height_shown = box.width * across.width, box.height * across.height
    upright_px = height_shown if view.turns % 2 == 0 else width_shown
    scale = min(1.0, height_px / upright_px)
    width, height = _even(width_shown * scale), _even(height_shown * scale)
    sizes = ((width, height), (width // 2, height // 2), (width // 2, height // 2))
    whole = box == FULL_FRAME
    return CutPicture(_joined(pieces, sizes, view.turns), None if whole else turned(box, view.turns))


def _plane(image: VideoFrame, index: int) -> Plane:
    plane = image.planes[index]
    return np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)[: plane.height, : plane.width]


def _studio(plane: Plane, span: int, floor: int) -> Plane:
    """Full range (0 to 255) as studio range, which the readers of frames take for granted."""
    return cv2.convertScaleAbs(plane, alpha=span / 255, beta=floor).astype(np.uint8, copy=False)


def _piece(plane: Plane, part: FractionBox, view: View) -> tuple[Plane, FractionBox]:
    """The part of a plane, and which part it is exactly: edges fall between pairs of pixels, as chroma does."""
    across, down = view.coded_width_px / 2, view.coded_height_px / 2
    x0, x1 = _pairs(part.x0, part.x1, across)
    y0, y1 = _pairs(part.y0, part.y1, down)
    box = FractionBox(x0 / across, y0 / down, min(1.0, x1 / across), min(1.0, y1 / down))
    rows, columns = plane.shape
    piece = plane[round(box.y0 * rows) : round(box.y1 * rows), round(box.x0 * columns) : round(box.x1 * columns)]
    return piece, box


def _pairs(low: float, high: float, pairs: float) -> tuple[int, int]:
    begin = min(int(low * pairs + 1e-6), max(0, int(pairs) - 1))
    end = max(begin + 1, round(high * pairs + 0.499999))
    return begin, end


def _even(size_px: float) -> int:
    return max(2, 2 * int(size_px / 2 + 1e-6))


def _shrink(plane: Plane, into: Plane) -> None:
    """Halved (exactly, which is fast) while it is too large by two, then interpolated: no detail is skipped."""
    (rows, columns), (height, width) = plane.shape, into.shape
    while columns >= 2 * width and rows >= 2 * height:
        columns, rows, plane = columns // 2, rows // 2, halved(plane)
    if (columns, rows) == (width, height):
        into[...] = plane
    else:
        cv2.resize(plane, (width, height), dst=into, interpolation=cv2.INTER_LINEAR)


def _joined(pieces: Sequence[Plane], sizes: Sequence[tuple[int, int]], turns: int) -> Plane:
    """The planes, each shrunk to its size (width, height) and turned, as I420: straight into their places."""
    width, height = sizes[0] if turns % 2 == 0 else sizes[0][::-1]
    i420 = np.empty((height * 3 // 2, width), np.uint8)
    chroma = i420[height:].reshape(2, height // 2, width // 2)
    for piece, size, place in zip(pieces, sizes, (i420[:height], chroma[0], chroma[1]), strict=True):
        if turns == 0:
            _shrink(piece, place)
        else:
            shrunk = np.empty(size[::-1], np.uint8)
            _shrink(piece, shrunk)
            place[...] = np.rot90(shrunk, turns)
    return i420
