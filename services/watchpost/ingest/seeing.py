"""What may be seen of a decoded picture: the blocks by which motion is told, and the parts that are stored."""

from functools import lru_cache

import cv2
import numpy as np
from av import VideoFrame

from watchpost.contracts.camera_parts import Mask
from watchpost.contracts.records import CameraSpec
from watchpost.ingest.obscured import SceneLook
from watchpost.ingest.picture_masks import Plane, seen_pixels
from watchpost.ingest.pictures import CutPicture, CutRegion, View, cut, turned, visible_luma, visible_planes
from watchpost.vision.geometry import FULL_FRAME, FractionBox
from watchpost.vision.motion import Blocks, ChangeMask, block_means, block_size_px
from watchpost.vision.scene_edges import cells_of, edges_of

__all__ = ["blocks_of", "cuts_of", "scene_of"]

_HALF, _SEEN = 127.5, 255
_CACHED = 64


def blocks_of(image: VideoFrame, view: View, spec: CameraSpec) -> Blocks:
    """The blocks of the region of interest, in the coded picture's orientation; NaN where a mask hides most of one."""
    luma = visible_luma(image, view, spec.masks)
    watched = turned(spec.roi or FULL_FRAME, -view.turns)
    rows, columns = luma.shape
    blocks = block_means(_part(luma, watched), block_size_px(rows))
    if spec.masks:
        blocks[_hidden_blocks(spec.masks, view.turns, (rows, columns), watched)] = np.nan
    return blocks


def scene_of(image: VideoFrame, view: View, spec: CameraSpec) -> SceneLook:
    """The edges and the brightness of the whole picture, without what masks hide and without the masks' own edges."""
    luma = visible_luma(image, view, spec.masks)
    edges = edges_of(luma)
    if not spec.masks:
        return SceneLook(edges, float(luma[::8, ::8].mean()))
    seen = seen_pixels(spec.masks, view.turns, _size(luma), _size(luma))
    shares = cv2.resize(seen, cells_of(luma), interpolation=cv2.INTER_AREA)
    edges[cv2.erode(shares, np.ones((3, 3), np.uint8)) < _SEEN] = np.nan
    visible = luma[::8, ::8][seen[::8, ::8] == _SEEN]
    return SceneLook(edges, float(visible.mean()) if visible.size else 0.0)


def cuts_of(image: VideoFrame, view: View, spec: CameraSpec) -> tuple[CutPicture, tuple[CutRegion, ...]]:
    """The region of interest, and each key region, each at its height."""
    planes = visible_planes(image, view, spec.masks)
    regions = tuple(CutRegion(one.name, cut(planes, view, one.box, one.height_px)) for one in spec.regions)
    return cut(planes, view, spec.roi, spec.height_px), regions


@lru_cache(_CACHED)
def _hidden_blocks(masks: tuple[Mask, ...], turns: int, size_px: tuple[int, int], watched: FractionBox) -> ChangeMask:
    seen = _part(seen_pixels(masks, turns, size_px, size_px), watched)
    hidden: ChangeMask = block_means(seen, block_size_px(size_px[0])) < _HALF
    return hidden


def _part(plane: Plane, watched: FractionBox) -> Plane:
    rows, columns = plane.shape
    part = watched.to_pixels(columns, rows)
    return plane[int(part.y0) : max(int(part.y0) + 1, int(part.y1)), int(part.x0) : int(part.x1) + 1]


def _size(plane: Plane) -> tuple[int, int]:
    rows, columns = plane.shape
    return rows, columns
