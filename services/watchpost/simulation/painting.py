"""Paints flat things in perspective: walls, floors, boxes, and the unevenness that real surfaces have."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from watchpost.simulation.body import Points
from watchpost.simulation.looks import Bgr, shade
from watchpost.simulation.sprites import Picture
from watchpost.simulation.viewpoint import Viewpoint

__all__ = ["Canvas", "fill_quad"]

_FIXED_BITS: Final = 4
_NEAREST_PAINTED_M: Final = 1.5


def fill_quad(picture: Picture, viewpoint: Viewpoint, corners: Points, colour: Sequence[float]) -> None:
    """Fill the convex shape between world points (N, 3) in a BGR or BGRA picture."""
    at = np.round(viewpoint.project(corners) * (1 << _FIXED_BITS)).astype(np.int32)
    cv2.fillConvexPoly(picture, at, colour, cv2.LINE_AA, _FIXED_BITS)


@dataclass(frozen=True, slots=True)
class Canvas:
    """The picture of a place while it is painted: far things first."""

    picture: Picture
    viewpoint: Viewpoint
    random: np.random.Generator

    @classmethod
    def blank(cls, viewpoint: Viewpoint, random: np.random.Generator) -> "Canvas":
        return cls(np.zeros((viewpoint.height_px, viewpoint.width_px, 3), np.uint8), viewpoint, random)

    @property
    def wall_m(self) -> float:
        """Where the back wall stands: behind everybody."""
        return self.viewpoint.farthest_m + 1.8

    @property
    def half_wall_m(self) -> float:
        """How far the wall reaches to either side before it leaves the picture."""
        return self.viewpoint.half_width_m(self.wall_m) + 0.5

    def uniform(self, low: float, high: float) -> float:
        return float(self.random.uniform(low, high))

    def one_of(self, colours: Sequence[Bgr]) -> Bgr:
        """One of some colours, a little off."""
        return self.near(colours[int(self.random.integers(len(colours)))], 0.08)

    def near(self, colour: Bgr, spread: float) -> Bgr:
        """A colour whose tone is off by up to `spread`."""
        return shade(colour, self.uniform(1 - spread, 1 + spread))

    def upright(self, x: tuple[float, float], y: tuple[float, float], z_m: float, colour: Bgr) -> None:
        """A rectangle that faces the camera, from `x[0]` to `x[1]` and `y[0]` to `y[1]` metres."""
        corners = np.array([[x[0], y[0], z_m], [x[1], y[0], z_m], [x[1], y[1], z_m], [x[0], y[1], z_m]])
        fill_quad(self.picture, self.viewpoint, corners, colour)

    def flat(self, x: tuple[float, float], z: tuple[float, float], colour: Bgr, y_m: float = 0.0) -> None:
        """A level rectangle, on the ground or `y_m` above it."""
        near, far = max(z[0], _NEAREST_PAINTED_M), max(z[1], _NEAREST_PAINTED_M)
        corners = np.array([[x[0], y_m, near], [x[1], y_m, near], [x[1], y_m, far], [x[0], y_m, far]])
        fill_quad(self.picture, self.viewpoint, corners, colour)

    def block(self, x: tuple[float, float], y: tuple[float, float], z: tuple[float, float], colour: Bgr) -> None:
        """A box: the visible side, the top and the front."""
        side_m = x[1] if x[0] + x[1] < 0 else x[0]
        corners = np.array([[side_m, y[0], z[0]], [side_m, y[1], z[0]], [side_m, y[1], z[1]], [side_m, y[0], z[1]]])
        fill_quad(self.picture, self.viewpoint, corners, shade(colour, 0.6))
        self.flat(x, z, shade(colour, 1.15), y[1])
        self.upright(x, y, z[0], shade(colour, 0.85))

    def blotches(self, strength: float, size_px: float, rows: slice = slice(None)) -> None:
        """Uneven tones of a given size, such as stains or plaster."""
        part = self.picture[rows]
        part[:] = _toned(part, 1 + strength * _clouds(part.shape[:2], size_px, self.random))

    def grain(self, strength: float, rows: slice = slice(None)) -> None:
        """Roughness of a pixel's size, in levels."""
        part = self.picture[rows]
        rough = self.random.normal(0.0, strength, part.shape[:2]).astype(np.float32)
        soft = cv2.GaussianBlur(rough, (0, 0), 0.7) * 1.6
        part[:] = np.clip(part.astype(np.float32) + np.asarray(soft)[..., None], 0, 255).astype(np.uint8)

    def finish(self) -> Picture:
        """The painted place under uneven light, as sharp as a lens of its kind."""
        height, width = self.picture.shape[:2]
        y, x = np.mgrid[-1.0 : 1.0 : height * 1j, -1.0 : 1.0 : width * 1j]
        vignette = 1.0 - 0.12 * (x**2 + y**2) / 2 + self.uniform(-0.1, 0.1) * x
        clouds = 1 + 0.045 * _clouds((height, width), width / 8, self.random)
        lit = _toned(self.picture, vignette.astype(np.float32) * clouds)
        return np.asarray(cv2.GaussianBlur(lit, (0, 0), 0.6), np.uint8)


def _clouds(shape: tuple[int, ...], size_px: float, random: np.random.Generator) -> NDArray[np.float32]:
    """Smooth noise (h, w) of about unit strength."""
    coarse = (max(2, int(shape[0] / size_px) + 2), max(2, int(shape[1] / size_px) + 2))
    noise = random.normal(0.0, 1.0, coarse).astype(np.float32)
    return np.asarray(cv2.resize(noise, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC), np.float32)


def _toned(picture: Picture, tone: NDArray[np.float32]) -> Picture:
    toned = np.clip(picture.astype(np.float32) * tone[..., None], 0, 255)
    return np.asarray(toned, np.uint8)
