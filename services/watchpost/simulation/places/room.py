"""A large room: a plain wall with a window, a door and pictures, furniture along it, boards or carpet in front."""

from typing import Final

from watchpost.simulation.looks import Bgr, shade
from watchpost.simulation.painting import Canvas

__all__ = ["paint_room"]

_WALLS: Final[tuple[Bgr, ...]] = ((185, 195, 200), (170, 185, 178), (160, 170, 195), (198, 196, 190), (150, 160, 162))
_BOARDS: Final[tuple[Bgr, ...]] = ((98, 122, 145), (72, 90, 110), (120, 142, 162), (110, 112, 114))
_CARPETS: Final[tuple[Bgr, ...]] = ((110, 95, 85), (95, 100, 110), (90, 110, 100))
_SOFAS: Final[tuple[Bgr, ...]] = ((95, 80, 70), (60, 80, 130), (110, 120, 118), (70, 95, 70))
_WOODS: Final[tuple[Bgr, ...]] = ((60, 85, 120), (45, 60, 85), (165, 172, 178))
_LIGHT_WOOD: Final[Bgr] = (215, 218, 220)


def paint_room(canvas: Canvas) -> None:
    """Paint wall, floor and what stands along the wall."""
    wall, wide = canvas.one_of(_WALLS), (-canvas.half_wall_m, canvas.half_wall_m)
    canvas.upright(wide, (0.0, 9.0), canvas.wall_m, wall)
    canvas.blotches(0.02, 60)
    canvas.upright(wide, (0.0, 0.14), canvas.wall_m, shade(wall, 1.2))
    slots = canvas.random.permutation(6)
    width_m = 2 * canvas.half_wall_m / 6
    middles_m = [-canvas.half_wall_m + (int(slot) + 0.5) * width_m for slot in slots]
    _paint_window(canvas, middles_m[0])
    _paint_window(canvas, middles_m[1])
    _paint_door(canvas, middles_m[2])
    _paint_picture(canvas, middles_m[3])
    _paint_picture(canvas, middles_m[5])
    canvas.grain(2.5)
    _paint_floor(canvas)
    _paint_sofa(canvas, middles_m[3])
    _paint_cabinet(canvas, middles_m[4])


def _paint_window(canvas: Canvas, middle_m: float) -> None:
    glow = canvas.near((235, 228, 215), 0.06)
    canvas.upright((middle_m - 1.0, middle_m + 1.0), (0.9, 2.75), canvas.wall_m, _LIGHT_WOOD)
    for x in ((-0.92, -0.04), (0.04, 0.92)):
        canvas.upright((middle_m + x[0], middle_m + x[1]), (1.0, 2.65), canvas.wall_m, glow)
        canvas.upright((middle_m + x[0], middle_m + x[1]), (1.0, 1.5), canvas.wall_m, shade(glow, 0.8))
    curtain = canvas.one_of(_SOFAS)
    for side in (-1, 1):
        for fold in range(5):
            left_m = middle_m + side * (0.95 + 0.09 * fold)
            canvas.upright((left_m, left_m + side * 0.1), (0.5, 2.9), canvas.wall_m, canvas.near(curtain, 0.2))


def _paint_door(canvas: Canvas, middle_m: float) -> None:
    wood = canvas.one_of(_WOODS)
    canvas.upright((middle_m - 0.58, middle_m + 0.58), (0.0, 2.18), canvas.wall_m, shade(wood, 0.75))
    canvas.upright((middle_m - 0.48, middle_m + 0.48), (0.0, 2.08), canvas.wall_m, wood)
    for y in ((0.2, 0.95), (1.1, 1.95)):
        canvas.upright((middle_m - 0.36, middle_m + 0.36), y, canvas.wall_m, shade(wood, 0.9))


def _paint_picture(canvas: Canvas, middle_m: float) -> None:
    canvas.upright((middle_m - 0.7, middle_m + 0.7), (1.55, 2.5), canvas.wall_m, (55, 60, 66))
    for stripe in range(6):
        y_m = 1.62 + stripe * 0.135
        colour = canvas.near((130, 140, 150), 0.45)
        canvas.upright((middle_m - 0.62, middle_m + 0.62), (y_m, y_m + 0.135), canvas.wall_m, colour)


def _paint_floor(canvas: Canvas) -> None:
    view = canvas.viewpoint
    if canvas.random.integers(3):
        boards = canvas.one_of(_BOARDS)
        for column in range(-90, 90):
            x_m = column * 0.22
            canvas.flat((x_m, x_m + 0.22), (0.0, canvas.wall_m), canvas.near(boards, 0.07))
            joint_m = canvas.uniform(view.nearest_m * 0.7, canvas.wall_m)
            canvas.flat((x_m, x_m + 0.22), (joint_m, joint_m + 0.04), shade(boards, 0.7))
    else:
        canvas.flat((-60.0, 60.0), (0.0, canvas.wall_m), canvas.one_of(_CARPETS))
    below = slice(int(view.horizon_px + view.height_m * view.focal_px / canvas.wall_m), None)
    if canvas.random.integers(2):
        left_m, near_m = canvas.uniform(-4.0, 0.0), canvas.uniform(1.0, 1.3) * view.nearest_m
        rug = canvas.one_of(_CARPETS)
        canvas.flat((left_m, left_m + 4.0), (near_m, near_m + 2.6), rug)
        canvas.flat((left_m + 0.25, left_m + 3.75), (near_m + 0.2, near_m + 2.4), shade(rug, 1.2))
    canvas.blotches(0.04, 40, below)
    canvas.grain(3.5, below)


def _paint_sofa(canvas: Canvas, middle_m: float) -> None:
    cloth, back_m = canvas.one_of(_SOFAS), canvas.wall_m - 0.1
    canvas.flat((middle_m - 1.15, middle_m + 1.2), (back_m - 1.1, back_m), (50, 52, 55))
    canvas.block((middle_m - 1.1, middle_m + 1.1), (0.1, 0.85), (back_m - 0.25, back_m), cloth)
    canvas.block((middle_m - 1.1, middle_m + 1.1), (0.1, 0.43), (back_m - 0.95, back_m - 0.2), shade(cloth, 1.1))
    for side in (-1.1, 0.9):
        canvas.block((middle_m + side, middle_m + side + 0.2), (0.1, 0.62), (back_m - 0.95, back_m), cloth)


def _paint_cabinet(canvas: Canvas, middle_m: float) -> None:
    wood, z = canvas.one_of(_WOODS), (canvas.wall_m - 0.55, canvas.wall_m - 0.05)
    canvas.block((middle_m - 0.9, middle_m + 0.9), (0.08, 0.95), z, wood)
    for x in ((-0.85, -0.03), (0.03, 0.85)):
        for y in ((0.15, 0.5), (0.55, 0.9)):
            canvas.upright((middle_m + x[0], middle_m + x[1]), y, z[0] - 0.01, shade(wood, 0.95))
