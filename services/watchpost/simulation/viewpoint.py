"""Where the simulated camera hangs and what it makes of metres: one place for all perspective.

World axes: x to the right, y up from the ground, z away from the camera, in metres. The camera looks along z from
`height_m`; its sensor is shifted (as in architectural lenses), so that upright lines stay upright.
"""

from dataclasses import dataclass
from math import cos, sin
from typing import Final

import numpy as np

from watchpost.simulation.body import JOINT_RADIUS_M, Points
from watchpost.vision.geometry import PixelBox

__all__ = ["Viewpoint", "placed"]

_FOCAL_PER_HEIGHT: Final = 1.54
_LOWEST_FEET: Final = 0.955
_NEAREST_SCALE: Final = 132.0 / 540
_FARTHEST_SCALE: Final = 57.0 / 540


@dataclass(frozen=True, slots=True)
class Viewpoint:
    """A camera of `width_px` x `height_px` that hangs `height_m` above the ground."""

    width_px: int
    height_px: int
    height_m: float

    @property
    def focal_px(self) -> float:
        return _FOCAL_PER_HEIGHT * self.height_px

    @property
    def horizon_px(self) -> float:
        """The row of points that are as high as the camera."""
        return self.height_px * (_LOWEST_FEET - self.height_m * _NEAREST_SCALE)

    @property
    def nearest_m(self) -> float:
        """Where people come nearest: 1 m is a quarter of the picture's height there."""
        return _FOCAL_PER_HEIGHT / _NEAREST_SCALE

    @property
    def farthest_m(self) -> float:
        return _FOCAL_PER_HEIGHT / _FARTHEST_SCALE

    def half_width_m(self, z_m: float) -> float:
        """How far the picture reaches to either side at a distance."""
        return self.width_px / 2 * z_m / self.focal_px

    def project(self, points: Points) -> Points:
        """World points (N, 3) in metres as picture points (N, 2) in pixels."""
        scale = self.focal_px / points[:, 2]
        return np.stack(
            [self.width_px / 2 + points[:, 0] * scale, self.horizon_px + (self.height_m - points[:, 1]) * scale],
            axis=1,
        )

    def outline(self, points: Points, stature: float) -> PixelBox:
        """The box around a body whose joints lie at `points` (J, 3), limbs included."""
        picture = self.project(points)
        radii = (JOINT_RADIUS_M * stature * self.focal_px / points[:, 2])[:, None]
        low, high = (picture - radii).min(axis=0), (picture + radii).max(axis=0)
        return PixelBox(float(low[0]), float(low[1]), float(high[0]), float(high[1]))


def placed(skeleton: Points, x_m: float, z_m: float, heading: float, stature: float) -> Points:
    """A skeleton's joints in the world: feet at (x_m, z_m), looking along `heading` (0: right, pi/2: away)."""
    forward, up, right = (skeleton * stature).T
    return np.stack(
        [
            x_m + forward * cos(heading) + right * sin(heading),
            up,
            z_m + forward * sin(heading) - right * cos(heading),
        ],
        axis=1,
    )
