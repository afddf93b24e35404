"""Draws a body from its joints as shaded volumes, because a detector trained on photographs must take it for a person.

Each part is the convex hull of a few balls; it is filled several times, smaller and nearer to the light each time,
far parts first. A figure depends only on a quantised pose, heading, distance and look, so that a walk repeats a few
sprites.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import exp, log, pi
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from watchpost.simulation.body import JOINT_RADIUS_M, Joint, Points, Pose, skeleton
from watchpost.simulation.looks import Bgr, Garment, Look
from watchpost.simulation.sprites import Sprite
from watchpost.simulation.viewpoint import Viewpoint, placed
from watchpost.vision.geometry import PixelBox

__all__ = ["Figure", "Part", "draw_figure", "outline_of", "parts_of"]

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


@dataclass(frozen=True, slots=True)
class Part:
    """Balls at joints, wrapped: `swell` scales their radii, `nearer_m` settles what lies over what."""

    joints: tuple[Joint, ...]
    colour: Bgr
    swell: float = 1.0
    nearer_m: float = 0.0


@lru_cache(maxsize=4096)
def outline_of(figure: Figure, viewpoint: Viewpoint) -> PixelBox:
    """The box around a figure, in pixels from the point between its feet."""
    box = viewpoint.outline(figure.joints(), figure.look.stature)
    feet_x, feet_y = viewpoint.project(np.array([[0.0, 0.0, figure.depth_m]]))[0]
    return PixelBox(box.x0 - feet_x, box.y0 - feet_y, box.x1 - feet_x, box.y1 - feet_y)


@lru_cache(maxsize=256)
def parts_of(look: Look) -> tuple[Part, ...]:
    """The parts of a body in these clothes."""
    return (*_legs(look), *_trunk(look), *_arms(look), *_head(look))


def _legs(look: Look) -> list[Part]:
    parts = []
    bare = look.garment in {Garment.SHORTS, Garment.SKIRT}
    for side in (0, 1):
        hip, knee = Joint(Joint.HIP_L + side), Joint(Joint.KNEE_L + side)
        ankle, toe = Joint(Joint.ANKLE_L + side), Joint(Joint.TOE_L + side)
        parts.append(Part((hip, knee), look.bottom))
        parts.append(Part((knee, ankle), look.skin if bare else look.bottom, 0.9 if bare else 1.1))
        parts.append(Part((ankle, toe), look.shoes, 1.1, 0.01))
    if look.garment is Garment.SKIRT:
        parts.append(Part((Joint.HIP_L, Joint.HIP_R, Joint.KNEE_L, Joint.KNEE_R), look.bottom, 1.12, 0.03))
    return parts


def _trunk(look: Look) -> list[Part]:
    waist = (Joint.WAIST_L, Joint.WAIST_R)
    parts = [
        Part((Joint.PELVIS, Joint.HIP_L, Joint.HIP_R), look.bottom, 1.03, 0.02),
        Part((*waist, Joint.SHOULDER_L, Joint.SHOULDER_R), look.top, 1.0, 0.04),
        Part((*waist, Joint.PELVIS), look.top, 1.04, 0.045),
        Part((Joint.NECK, Joint.CHIN), look.skin, 0.8, 0.0),
    ]
    if look.garment is Garment.COAT:
        parts.append(Part((*waist, Joint.HIP_L, Joint.HIP_R, Joint.KNEE_L, Joint.KNEE_R), look.top, 1.05, 0.05))
    return parts


def _arms(look: Look) -> list[Part]:
    sleeve = look.skin if look.bare_arms else look.top
    parts = []
    for side in (0, 1):
        elbow, wrist = Joint(Joint.ELBOW_L + side), Joint(Joint.WRIST_L + side)
        parts.append(Part((Joint(Joint.SHOULDER_L + side), elbow), look.top, 1.0, 0.07))
        parts.append(Part((elbow, wrist), sleeve, 1.0, 0.075))
        parts.append(Part((wrist, Joint(Joint.FINGERS_L + side)), look.skin, 1.0, 0.08))
    return parts


def _head(look: Look) -> list[Part]:
    hair = [Joint.HAIR_TOP, Joint.HAIR_BACK, *([Joint.NECK] if look.long_hair else [])]
    return [Part((Joint.HEAD, Joint.CHIN), look.skin, 1.0, 0.01), Part(tuple(hair), look.hair)]


def draw_figure(figure: Figure, viewpoint: Viewpoint, light: tuple[float, float]) -> Sprite:
    """A figure with its shadow as a sprite whose origin lies between its feet.

    Args:
        figure: what to draw.
        viewpoint: who looks.
        light: from where it comes, in picture directions (x right, y down), at most 1 long.

    """
    joints = figure.joints()
    radii_m = JOINT_RADIUS_M * figure.look.stature
    parts = sorted(parts_of(figure.look), key=lambda part: _distance(part, joints), reverse=True)
    body = [_balls(part, joints, radii_m, viewpoint) for part in parts]
    shadow_joints = joints * np.array([1.0, 0.0, 1.0]) + joints[:, 1:2] * np.array([-0.5 * light[0], 0.0, 0.12])
    shadow = [_balls(part, shadow_joints, radii_m, viewpoint) for part in parts]
    low, high = _extent([*body, *shadow])
    feet = viewpoint.project(np.array([[0.0, 0.0, figure.depth_m]]))[0]
    size = (int(high[0] - low[0]), int(high[1] - low[1]))
    canvas = np.zeros((size[1] * _FINER, size[0] * _FINER, 4), np.uint8)
    for part, balls in zip(parts, body, strict=True):
        _fill_shaded(canvas, balls - np.array([low[0], low[1], 0.0]), part.colour, light)
    smaller = cv2.resize(canvas, size, interpolation=cv2.INTER_AREA)
    picture = np.asarray(cv2.GaussianBlur(smaller, (0, 0), _SOFTNESS_PX), np.uint8)
    cast = np.zeros((size[1], size[0]), np.uint8)
    for balls in shadow:
        _fill(cast, balls - np.array([low[0], low[1], 0.0]), (_SHADOW_OPACITY,), 1)
    soft = np.asarray(cv2.GaussianBlur(cast, (0, 0), max(1.0, 0.02 * viewpoint.focal_px / figure.depth_m)), np.uint8)
    return Sprite.over_shadow(picture, soft, (float(low[0] - feet[0]), float(low[1] - feet[1])))


def _distance(part: Part, joints: Points) -> float:
    return float(joints[list(part.joints), 2].mean()) - part.nearer_m


def _balls(part: Part, joints: Points, radii_m: Points, viewpoint: Viewpoint) -> Points:
    """The part's balls in the picture: rows x, y, radius in pixels."""
    rows = list(part.joints)
    at = joints[rows]
    radii = radii_m[rows] * part.swell * viewpoint.focal_px / at[:, 2]
    return np.column_stack([viewpoint.project(at), radii])


def _extent(parts: Sequence[Points]) -> tuple[Points, Points]:
    balls = np.concatenate(parts)
    low = np.floor((balls[:, :2] - balls[:, 2:]).min(axis=0)) - _MARGIN_PX
    high = np.ceil((balls[:, :2] + balls[:, 2:]).max(axis=0)) + _MARGIN_PX
    return low, high


def _fill_shaded(canvas: NDArray[np.uint8], balls: Points, colour: Bgr, light: tuple[float, float]) -> None:
    for size, tone in _TONES:
        inner = balls.copy()
        inner[:, 2] *= size
        inner[:, :2] += balls[:, 2:] * (1.0 - size) * _LIGHT_REACH * np.array(light)
        blue, green, red = (min(255.0, channel * tone) for channel in colour)
        _fill(canvas, inner, (blue, green, red, 255.0), _FINER)


def _fill(canvas: NDArray[np.uint8], balls: Points, colour: Sequence[float], finer: int) -> None:
    rim = balls[:, None, :2] + balls[:, None, 2:] * _CIRCLE[None]
    fixed = np.round(rim.reshape(-1, 2) * finer * (1 << _FIXED_BITS)).astype(np.int32)
    cv2.fillConvexPoly(canvas, cv2.convexHull(fixed), colour, cv2.LINE_AA, _FIXED_BITS)


_FINER: Final = 2
_FIXED_BITS: Final = 4
_MARGIN_PX: Final = 6
_SOFTNESS_PX: Final = 0.6
_SHADOW_OPACITY: Final = 95
_LIGHT_REACH: Final = 0.8
_TONES: Final = ((1.0, 0.62), (0.84, 0.8), (0.6, 0.95), (0.32, 1.08))
_ANGLES: Final = np.arange(16) * (2 * pi / 16)
_CIRCLE: Final[Points] = np.stack([np.cos(_ANGLES), np.sin(_ANGLES)], axis=1)
