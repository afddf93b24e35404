"""Draws a body from its joints as shaded volumes, because a detector trained on photographs must take it for a person.

Each part is made of convex hulls around balls; these are filled several times, smaller and nearer to the light each
time, far parts first. A figure depends only on a quantised pose, heading, distance and look, so that a walk repeats
a few sprites.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import exp, log, pi
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from watchpost.simulation.body import JOINT_RADIUS_M, Points, Pose, skeleton
from watchpost.simulation.clothes import Part, parts_of
from watchpost.simulation.looks import Look, shade
from watchpost.simulation.sprites import Picture, Sprite
from watchpost.simulation.viewpoint import Viewpoint, placed
from watchpost.vision.geometry import PixelBox

__all__ = ["Figure", "draw_figure", "outline_of"]

HEADING_STEPS: Final = 24
DEPTH_STEP: Final = 0.02


@dataclass(frozen=True, slots=True)
class Figure:
    """All that a sprite depends on: heading and distance in steps, as seen on the camera's axis."""

    pose: Pose
    heading_step: int
    depth_step: int
    look: Look

    @classmethod
    def seen(cls, pose: Pose, heading: float, z_m: float, look: Look) -> "Figure":
        """The figure nearest to a heading (radians, 0 is to the right of the picture) and a distance."""
        step = round(heading / (2 * pi) * HEADING_STEPS) % HEADING_STEPS
        return cls(pose, step, round(log(z_m) / DEPTH_STEP), look)

    @property
    def depth_m(self) -> float:
        return exp(self.depth_step * DEPTH_STEP)

    def joints(self) -> Points:
        """World points with the feet on the camera's axis, in metres."""
        heading = self.heading_step * 2 * pi / HEADING_STEPS
        return placed(skeleton(self.pose), 0.0, self.depth_m, heading, self.look.stature)


@lru_cache(maxsize=4096)
def outline_of(figure: Figure, viewpoint: Viewpoint) -> PixelBox:
    """The box around a figure, in pixels from the point between its feet."""
    box = viewpoint.outline(figure.joints(), figure.look.stature)
    feet_x, feet_y = viewpoint.project(np.array([[0.0, 0.0, figure.depth_m]]))[0]
    return PixelBox(box.x0 - feet_x, box.y0 - feet_y, box.x1 - feet_x, box.y1 - feet_y)


def draw_figure(figure: Figure, viewpoint: Viewpoint, light: tuple[float, float]) -> Sprite:
    """A figure with its shadow as a sprite whose origin lies between its feet.

    Args:
        figure: what to draw.
        viewpoint: who looks.
        light: from where it comes, in picture directions (x right, y down), at most 1 long.

    """
    joints = figure.joints()
    flattened = joints * np.array([1.0, 0.0, 1.0]) + joints[:, 1:2] * np.array([-0.5 * light[0], 0.0, 0.12])
    body, shadow = (_balls(points, figure.look.stature, viewpoint) for points in (joints, flattened))
    low, high = _extent(np.concatenate([body, shadow]))
    corner = np.array([low[0], low[1], 0.0])
    size = (int(high[0] - low[0]), int(high[1] - low[1]))
    parts = sorted(parts_of(figure.look), key=lambda part: _distance(part, joints), reverse=True)
    picture = _draw_body(parts, body - corner, size, light)
    cast = _draw_shadow(parts, shadow - corner, size, viewpoint.focal_px / figure.depth_m)
    feet = viewpoint.project(np.array([[0.0, 0.0, figure.depth_m]]))[0]
    return Sprite.over_shadow(picture, cast, (float(low[0] - feet[0]), float(low[1] - feet[1])))


def _draw_body(parts: Sequence[Part], balls: Points, size: tuple[int, int], light: tuple[float, float]) -> Picture:
    canvas = np.zeros((size[1] * _FINER, size[0] * _FINER, 4), np.uint8)
    for part in parts:
        _fill_shaded(canvas, part, balls * _FINER, np.array(light))
    smaller = cv2.resize(_creased(canvas), size, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.GaussianBlur(smaller, (0, 0), _SOFTNESS_PX), np.uint8)


def _draw_shadow(parts: Sequence[Part], balls: Points, size: tuple[int, int], px_per_m: float) -> Picture:
    cast = np.zeros((size[1], size[0]), np.uint8)
    for part in parts:
        for segment in part.segments:
            rows = balls[list(segment)]
            _fill(cast, _fixed(rows[:, None, :2] + rows[:, None, 2:] * _CIRCLE), (_SHADOW_OPACITY,))
    return np.asarray(cv2.GaussianBlur(cast, (0, 0), max(1.0, _SHADOW_SOFTNESS_M * px_per_m)), np.uint8)


def _distance(part: Part, joints: Points) -> float:
    rows = [joint for segment in part.segments for joint in segment]
    return float(joints[rows, 2].mean()) - part.nearer_m


def _balls(joints: Points, stature: float, viewpoint: Viewpoint) -> Points:
    """The joints as balls in the picture (J, 3): x, y, radius in pixels."""
    radii = JOINT_RADIUS_M * stature * viewpoint.focal_px / joints[:, 2]
    return np.column_stack([viewpoint.project(joints), radii])


def _extent(balls: Points) -> tuple[Points, Points]:
    reach = balls[:, 2:] * _WIDEST_SWELL
    low = np.floor((balls[:, :2] - reach).min(axis=0)) - _MARGIN_PX
    high = np.ceil((balls[:, :2] + reach).max(axis=0)) + _MARGIN_PX
    return low, high


def _fill_shaded(canvas: Picture, part: Part, balls: Points, light: Points) -> None:
    """Fill a part from its dark rim to its lit middle; segments share each tone, so that joints show no seam."""
    rims = []
    for segment in part.segments:
        rows = balls[list(segment)]
        radii = rows[:, 2:] * part.swell
        middles = rows[None, :, :2] + radii * (1.0 - _SIZES) * _LIGHT_REACH * light
        rims.append(_fixed(middles[:, :, None] + (radii * _SIZES)[:, :, None] * _CIRCLE))
    for tone, shares in enumerate(zip(*rims, strict=True)):
        colour = (*shade(part.colour, _TONES[tone]), 255)
        for rim in shares:
            _fill(canvas, rim, colour)


def _fixed(points: Points) -> NDArray[np.int32]:
    """Points in OpenCV's fixed-point pixels."""
    return np.rint(points * (1 << _FIXED_BITS)).astype(np.int32)


def _fill(canvas: Picture, rim: NDArray[np.int32], colour: Sequence[float]) -> None:
    """Fill the hull of fixed-point points (…, 2)."""
    cv2.fillConvexPoly(canvas, cv2.convexHull(rim.reshape(-1, 2)), colour, cv2.LINE_AA, _FIXED_BITS)


def _creased(canvas: Picture) -> Picture:
    """The figure under the uneven tones of cloth; opacity stays."""
    height, width = canvas.shape[:2]
    creases = cv2.resize(_CREASES, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(
        cv2.multiply(canvas, cv2.merge([creases, creases, creases, np.ones_like(creases)]), dtype=cv2.CV_8U)
    )


def _cloth() -> NDArray[np.float32]:
    rough = np.random.default_rng(0).normal(0.0, 1.0, (96, 96)).astype(np.float32)
    folds = np.asarray(cv2.GaussianBlur(rough, (0, 0), 1.6), np.float32)
    return 1.0 - _CREASE_DEPTH + _CREASE_DEPTH * folds / np.float32(folds.std())


_FINER: Final = 2
_FIXED_BITS: Final = 4
_MARGIN_PX: Final = 6
_WIDEST_SWELL: Final = 1.12
_SOFTNESS_PX: Final = 0.6
_SHADOW_OPACITY: Final = 95
_SHADOW_SOFTNESS_M: Final = 0.02
_LIGHT_REACH: Final = 0.8
_SIZES: Final[Points] = np.array([1.0, 0.9, 0.76, 0.55, 0.3])[:, None, None]
_TONES: Final = (0.66, 0.79, 0.9, 1.0, 1.08)
_CREASE_DEPTH: Final = 0.12
_CREASES: Final = _cloth()
_ANGLES: Final = np.arange(16) * (2 * pi / 16)
_CIRCLE: Final[Points] = np.stack([np.cos(_ANGLES), np.sin(_ANGLES)], axis=1)
