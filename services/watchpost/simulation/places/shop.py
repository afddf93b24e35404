"""A shop: shelves full of goods along the wall, a counter, a tiled floor that shines a little."""

from typing import Final

import numpy as np

from watchpost.simulation.looks import Bgr, shade
from watchpost.simulation.painting import Canvas

__all__ = ["paint_shop"]

_WALLS: Final[tuple[Bgr, ...]] = ((195, 198, 200), (180, 190, 195), (200, 195, 185))
_TILES: Final[tuple[Bgr, ...]] = ((175, 178, 180), (150, 160, 168), (130, 134, 138), (185, 185, 175))
_FRAMES: Final[tuple[Bgr, ...]] = ((90, 92, 95), (170, 172, 175), (70, 90, 120))
_SIGNS: Final[tuple[Bgr, ...]] = ((60, 60, 190), (150, 90, 40), (70, 140, 60), (40, 150, 200))
_SHELF_M: Final = 0.46
_SHELVES: Final = 5


def paint_shop(canvas: Canvas) -> None:
    """Paint wall, sign, shelves, floor and counter."""
    wide = (-canvas.half_wall_m, canvas.half_wall_m)
    canvas.upright(wide, (0.0, 9.0), canvas.wall_m, canvas.one_of(_WALLS))
    canvas.upright(wide, (2.75, 3.3), canvas.wall_m, canvas.one_of(_SIGNS))
    canvas.blotches(0.02, 50)
    _paint_floor(canvas)
    gap_m = canvas.uniform(-0.6, 0.6) * canvas.half_wall_m
    x_m = -canvas.half_wall_m
    frame = canvas.one_of(_FRAMES)
    while x_m < canvas.half_wall_m:
        width_m = canvas.uniform(1.6, 2.6)
        if not x_m < gap_m < x_m + width_m:
            _paint_shelves(canvas, x_m, x_m + width_m, frame)
        x_m += width_m + 0.05
    _paint_counter(canvas, gap_m)
    canvas.grain(3.0)


def _paint_shelves(canvas: Canvas, left_m: float, right_m: float, frame: Bgr) -> None:
    z = (canvas.wall_m - 0.5, canvas.wall_m)
    canvas.block((left_m, right_m), (0.0, _SHELF_M * _SHELVES + 0.1), z, shade(frame, 0.8))
    for shelf in range(_SHELVES):
        floor_m = 0.1 + shelf * _SHELF_M
        canvas.upright((left_m, right_m), (floor_m - 0.05, floor_m), z[0] - 0.01, frame)
        _paint_goods(canvas, left_m + 0.04, right_m - 0.04, floor_m)


def _paint_goods(canvas: Canvas, left_m: float, right_m: float, floor_m: float) -> None:
    """Groups of equal packages, as shops lay them out."""
    x_m = left_m
    while x_m < right_m:
        blue, green, red = np.clip(canvas.random.normal(125, 20) + canvas.random.normal(0, 14, 3), 25, 225)
        width_m, height_m = canvas.uniform(0.1, 0.26), canvas.uniform(0.18, 0.38)
        for _ in range(int(canvas.random.integers(2, 6))):
            if x_m + width_m > right_m:
                return
            colour = canvas.near((int(blue), int(green), int(red)), 0.08)
            x, y = (x_m + 0.01, x_m + width_m - 0.01), (floor_m, floor_m + height_m)
            canvas.upright(x, y, canvas.wall_m - 0.5, colour)
            label = (floor_m + height_m * 0.35, floor_m + height_m * 0.65)
            canvas.upright(x, label, canvas.wall_m - 0.51, shade(colour, 1.08))
            x_m += width_m
        x_m += 0.02


def _paint_floor(canvas: Canvas) -> None:
    view, tile = canvas.viewpoint, canvas.one_of(_TILES)
    canvas.flat((-60.0, 60.0), (0.0, canvas.wall_m), shade(tile, 0.85))
    side_m = canvas.uniform(0.5, 0.9)
    rows = range(int(view.nearest_m * 0.6 / side_m), int(canvas.wall_m / side_m) + 1)
    half = int(canvas.half_wall_m / side_m) + 2
    for row in rows:
        for column in range(-half, half):
            x, z = column * side_m, row * side_m
            canvas.flat((x + 0.01, x + side_m - 0.01), (z + 0.01, z + side_m - 0.01), canvas.near(tile, 0.025))
    below = slice(int(view.horizon_px + view.height_m * view.focal_px / canvas.wall_m), None)
    canvas.blotches(0.05, 70, below)


def _paint_counter(canvas: Canvas, middle_m: float) -> None:
    front, z = canvas.one_of(_FRAMES), (canvas.wall_m - 0.7, canvas.wall_m - 0.1)
    canvas.block((middle_m - 0.95, middle_m + 0.95), (0.0, 1.0), z, front)
    canvas.block((middle_m - 0.2, middle_m + 0.2), (1.0, 1.25), (z[0] + 0.2, z[1] - 0.1), (60, 60, 62))
