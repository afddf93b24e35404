"""Draws what people sit on: a bench with a back, seen from in front."""

from typing import Final

import numpy as np

from watchpost.simulation.acting import Spot
from watchpost.simulation.looks import Bgr, shade
from watchpost.simulation.painting import fill_quad
from watchpost.simulation.sprites import Sprite
from watchpost.simulation.viewpoint import Viewpoint

__all__ = ["SEAT_DEPTH_M", "draw_seat"]

SEAT_DEPTH_M: Final = 0.65
_HALF_WIDTH_M: Final = 0.62
_SEAT_M: Final = (0.22, 0.62)
_TOP_M: Final = 0.42
_WOODS: Final[tuple[Bgr, ...]] = ((62, 95, 128), (90, 92, 95), (70, 85, 70))


def draw_seat(feet: Spot, viewpoint: Viewpoint, random: np.random.Generator) -> Sprite:
    """A bench behind the feet of who sits on it, as a sprite whose origin is the picture's corner."""
    picture = np.zeros((viewpoint.height_px, viewpoint.width_px, 4), np.uint8)
    shadow = np.zeros(picture.shape[:2], np.uint8)
    wood = _WOODS[int(random.integers(len(_WOODS)))]
    left, right = feet.x_m - _HALF_WIDTH_M, feet.x_m + _HALF_WIDTH_M
    near, far = feet.z_m + _SEAT_M[0], feet.z_m + _SEAT_M[1]

    def board(x: tuple[float, float], y: tuple[float, float], z: tuple[float, float], tone: float) -> None:
        corners = [[x[0], y[0], z[0]], [x[1], y[0], z[0]], [x[1], y[1], z[1]], [x[0], y[1], z[1]]]
        fill_quad(picture, viewpoint, np.array(corners), (*shade(wood, tone), 255))

    ground = np.array([[left, 0.0, near], [right, 0.0, near], [right, 0.0, far], [left, 0.0, far]])
    fill_quad(shadow, viewpoint, ground, (110,))
    for x in (left + 0.04, right - 0.1):
        board((x, x + 0.06), (0.0, _TOP_M), (far, far), 0.5)
        board((x, x + 0.06), (0.0, _TOP_M), (near, near), 0.65)
    for slat in range(3):
        board((left, right), (0.52 + 0.13 * slat, 0.62 + 0.13 * slat), (far, far), 0.95)
    board((left, right), (_TOP_M, _TOP_M), (near, far), 1.15)
    board((left, right), (_TOP_M - 0.05, _TOP_M), (near, near), 0.8)
    return Sprite.over_shadow(picture, shadow, (0.0, 0.0)).trimmed()
