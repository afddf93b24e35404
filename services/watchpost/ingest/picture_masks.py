"""Covers what a camera's masks hide, in its decoded planes: nothing that reads pixels for others comes before this.

A mask hides every pixel that it touches, one more around those, and all of each pair of rows and columns of which it
hides any: there lies the chroma that the hidden pixels share with their neighbours.
"""

from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from watchpost.contracts.camera_parts import Mask
from watchpost.vision.geometry import FractionPoint

__all__ = ["Plane", "covered", "seen_pixels"]

Plane = npt.NDArray[np.uint8]

_SEEN, _HIDDEN = 255, 0
_INSIDE, _OUTSIDE = 255, 128
_SHIFT = 4  # cv2 draws to a sixteenth of a pixel
_CACHED = 64  # planes of some twenty masked cameras: drawing one takes some ms at 1920x1080


@lru_cache(_CACHED)
def seen_pixels(masks: tuple[Mask, ...], turns: int, size_px: tuple[int, int], plane_px: tuple[int, int]) -> Plane:
    """Which pixels of a plane may be seen: 255 there, 0 where a mask hides them.

    Args:
        masks: of the picture as shown.
        turns: quarter turns counter-clockwise from the coded picture to that.
        size_px: rows and columns of the coded picture.
        plane_px: the same of the plane: of the picture itself, or of chroma that has fewer of one or of both.

    Returns:
        An array of shape `plane_px` that nobody may change: it is kept for the next picture.

    """
    if plane_px == size_px:
        plane = _in_pairs(_drawn(masks, turns, size_px))
    else:
        whole = seen_pixels(masks, turns, size_px, size_px)
        down, across = (round(whole / part) for whole, part in zip(size_px, plane_px, strict=True))
        plane = np.ascontiguousarray(whole[::down, ::across][: plane_px[0], : plane_px[1]])
    plane.flags.writeable = False
    return plane


def covered(plane: Plane, seen: Plane, fill: int) -> Plane:
    """A copy of the plane that is `fill` where `seen` (of the same shape) is 0."""
    copy = np.full(plane.shape, fill, np.uint8)
    return cv2.copyTo(plane, seen, copy).astype(np.uint8, copy=False)


def _drawn(masks: tuple[Mask, ...], turns: int, size_px: tuple[int, int]) -> Plane:
    """255 but for what the masks hide."""
    seen = np.full(size_px, _SEEN, np.uint8)
    for mask in masks:
        corners = [_in_coded(corner, turns) for corner in mask.polygon]
        seen[_enclosed(corners, size_px)] = _HIDDEN
    return seen


def _enclosed(corners: list[FractionPoint], size_px: tuple[int, int]) -> npt.NDArray[np.bool_]:
    """What a polygon touches, what it encloses also where it crosses itself, and a pixel around that."""
    rows, columns = size_px
    # two pixels of border, of which the outer one is outside of every polygon
    inside = np.zeros((rows + 4, columns + 4), np.uint8)
    # the middle of a pixel is its place for cv2
    points = [[(corner.x * columns + 1.5) * 2**_SHIFT, (corner.y * rows + 1.5) * 2**_SHIFT] for corner in corners]
    outline = np.array(points).round().astype(np.int32)
    cv2.fillPoly(inside, [outline], _INSIDE, cv2.LINE_8, _SHIFT)
    cv2.polylines(inside, [outline], isClosed=True, color=_INSIDE, thickness=1, lineType=cv2.LINE_8, shift=_SHIFT)
    inside = cv2.dilate(inside, np.ones((3, 3), np.uint8)).astype(np.uint8, copy=False)
    inside[[0, -1], :] = inside[:, [0, -1]] = 0
    cv2.floodFill(inside, None, (0, 0), _OUTSIDE)
    enclosed: npt.NDArray[np.bool_] = inside[2:-2, 2:-2] != _OUTSIDE
    return enclosed


def _in_pairs(seen: Plane) -> Plane:
    """Each pair of rows and columns is seen as a whole or not at all."""
    rows, columns = seen.shape
    padded = np.pad(seen, ((0, rows % 2), (0, columns % 2)), mode="edge")
    pairs = padded.reshape(padded.shape[0] // 2, 2, padded.shape[1] // 2, 2).min(axis=(1, 3))
    return np.ascontiguousarray(pairs.repeat(2, axis=0).repeat(2, axis=1)[:rows, :columns])


def _in_coded(corner: FractionPoint, turns: int) -> FractionPoint:
    """The corner before the picture was turned counter-clockwise by `turns` quarters."""
    for _ in range(-turns % 4):
        corner = FractionPoint(corner.y, 1 - corner.x)
    return corner
