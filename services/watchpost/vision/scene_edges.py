"""Says how much of the scene that a fixed camera knows is still in its picture, whatever light it is seen by.

Where a scene has edges it has them by day, by infrared and in the dark, weaker or stronger; behind a hand, under paint
or turned away they are gone. So cells of the picture are compared by rank: how often one that usually has edges has
more of them now than one that usually has none (the area under the ROC curve; Hanley and McNeil, 1982). 1: all is
there. 0.5: as by chance.

What counts is how much more a cell has than its row and its column: a kerb, a skirting board or a horizon runs through
the whole picture, and stays where it is when the camera is turned away from everything else.
"""

import cv2
import numpy as np
import numpy.typing as npt

from watchpost.vision.halving import halved

__all__ = ["Edges", "cells_of", "edges_of", "kept_edges"]

Luma = npt.NDArray[np.uint8]
Edges = npt.NDArray[np.float32]

_SMALL_PX = 192  # what is finer than this is noise at night
_CELL_PX = 8
_SHARE = 0.25


def edges_of(luma: Luma) -> Edges:
    """How steep the brightness is in each cell of a picture 192 high, in grey levels a pixel: (rows, columns).

    0.5 ms at 1920x1080 on one thread.
    """
    columns, rows = cells_of(luma)
    while luma.shape[0] >= 2 * _SMALL_PX:
        luma = halved(luma)
    small = cv2.resize(luma, (columns * _CELL_PX, rows * _CELL_PX), interpolation=cv2.INTER_AREA)
    small = small.astype(np.float32)
    across, down = cv2.Sobel(small, cv2.CV_32F, 1, 0, scale=0.125), cv2.Sobel(small, cv2.CV_32F, 0, 1, scale=0.125)
    steep = cv2.magnitude(across, down)
    return cv2.resize(steep, (columns, rows), interpolation=cv2.INTER_AREA).astype(np.float32)


def cells_of(luma: Luma) -> tuple[int, int]:
    """How many cells a picture has across and down."""
    height, width = luma.shape
    return max(1, round(width * _SMALL_PX / height / _CELL_PX)), _SMALL_PX // _CELL_PX


def kept_edges(known: Edges, now: Edges, *, is_dark: bool = False) -> float:
    """How often a cell that is known for its edges has more now than one known for none: 0.5 to 1, or a little less.

    Cells that are NaN in either are left out. 0.5 where nothing can be told. Where it `is_dark`, what runs through the
    whole picture counts as well, if that says more: of the rest noise leaves too little.
    """
    seen = ~(np.isnan(known) | np.isnan(now))
    kept = _ranked(_of_their_own(known, seen)[seen], _of_their_own(now, seen)[seen])
    return max(kept, _ranked(known[seen], now[seen])) if is_dark else kept


def _ranked(usual: Edges, present: Edges) -> float:
    count = int(usual.size * _SHARE)
    if count == 0:
        return 0.5
    order = np.argsort(usual, kind="stable")
    flat, steep = present[order[:count]], present[order[-count:]]
    below = np.searchsorted(np.sort(flat), steep, side="left")
    up_to = np.searchsorted(np.sort(flat), steep, side="right")
    return float((below + up_to).sum() / (2 * count * count))


def _of_their_own(edges: Edges, seen: npt.NDArray[np.bool_]) -> Edges:
    """What each cell has beyond its row and its column, by factors; 0 where it is not seen."""
    level = np.log1p(np.where(seen, edges, 0) / max(1e-6, float(edges[seen].mean()) if seen.any() else 1.0))
    for axis in (1, 0):
        level = np.where(seen, level, 0)
        level -= level.sum(axis=axis, keepdims=True) / np.maximum(1, seen.sum(axis=axis, keepdims=True))
    return np.where(seen, level, 0).astype(np.float32)
