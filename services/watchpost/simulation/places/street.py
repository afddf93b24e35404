"""A street: house fronts behind a pavement, a carriageway in front."""

from typing import Final

from watchpost.simulation.looks import Bgr, shade
from watchpost.simulation.painting import Canvas

__all__ = ["paint_street"]

_FRONTS: Final[tuple[Bgr, ...]] = ((150, 175, 190), (110, 130, 165), (165, 165, 160), (140, 160, 150), (95, 110, 150))
_GLASS: Final[tuple[Bgr, ...]] = ((95, 85, 75), (120, 110, 95), (70, 65, 60))
_DOORS: Final[tuple[Bgr, ...]] = ((60, 75, 50), (50, 55, 95), (70, 70, 72))
_ASPHALT: Final[tuple[Bgr, ...]] = ((112, 112, 112), (98, 100, 100), (128, 126, 122))
_SLABS: Final[tuple[Bgr, ...]] = ((150, 155, 158), (138, 140, 144))
_CARS: Final[tuple[Bgr, ...]] = ((60, 60, 62), (150, 150, 152), (110, 70, 50), (50, 50, 130))
_STOREY_M: Final = 3.1
_HOUSE_M: Final = 7.5


def paint_street(canvas: Canvas) -> None:
    """Paint house fronts, pavement and carriageway."""
    x_m = -canvas.half_wall_m
    while x_m < canvas.half_wall_m:
        width_m = canvas.uniform(0.7, 1.3) * _HOUSE_M
        _paint_house(canvas, x_m, x_m + width_m)
        x_m += width_m
    canvas.blotches(0.025, 9)
    canvas.grain(4.0)
    _paint_ground(canvas)
    if canvas.random.integers(2):
        _paint_car(canvas, canvas.uniform(-0.8, 0.8) * canvas.half_wall_m)


def _paint_house(canvas: Canvas, left_m: float, right_m: float) -> None:
    front, wall_m = canvas.one_of(_FRONTS), canvas.wall_m
    canvas.upright((left_m, right_m), (0.0, 9.0), wall_m, front)
    canvas.upright((left_m, right_m), (0.0, 0.55), wall_m, shade(front, 0.7))
    windows = max(2, round((right_m - left_m) / 2.1))
    step_m = (right_m - left_m) / windows
    door = int(canvas.random.integers(windows))
    glass = canvas.one_of(_GLASS)
    for storey in range(3):
        for window in range(windows):
            middle_m, floor_m = left_m + (window + 0.5) * step_m, storey * _STOREY_M
            if storey == 0 and window == door:
                canvas.upright((middle_m - 0.65, middle_m + 0.65), (0.0, 2.35), wall_m, shade(front, 1.15))
                canvas.upright((middle_m - 0.5, middle_m + 0.5), (0.0, 2.2), wall_m, canvas.one_of(_DOORS))
            else:
                _paint_window(canvas, middle_m, floor_m + 0.95, canvas.near(glass, 0.25))


def _paint_window(canvas: Canvas, middle_m: float, sill_m: float, glass: Bgr) -> None:
    wall_m = canvas.wall_m
    canvas.upright((middle_m - 0.62, middle_m + 0.62), (sill_m - 0.1, sill_m + 1.5), wall_m, (205, 208, 210))
    canvas.upright((middle_m - 0.52, middle_m + 0.52), (sill_m, sill_m + 1.4), wall_m, glass)
    canvas.upright((middle_m - 0.03, middle_m + 0.03), (sill_m, sill_m + 1.4), wall_m, (205, 208, 210))
    canvas.upright((middle_m - 0.52, middle_m + 0.52), (sill_m + 0.9, sill_m + 0.95), wall_m, (205, 208, 210))


def _paint_ground(canvas: Canvas) -> None:
    view = canvas.viewpoint
    slabs, asphalt = canvas.one_of(_SLABS), canvas.one_of(_ASPHALT)
    reach = (-60.0, 60.0)
    kerb_m = canvas.uniform(0.35, 0.85) * view.farthest_m
    canvas.flat(reach, (0.0, canvas.wall_m), asphalt)
    canvas.flat(reach, (kerb_m, canvas.wall_m), slabs)
    z_m = kerb_m
    while z_m < canvas.wall_m:
        canvas.flat(reach, (z_m, z_m + 0.04), shade(slabs, 0.86))
        z_m += 1.0
    for column in range(-30, 31):
        canvas.flat((column - 0.015, column + 0.015), (kerb_m, canvas.wall_m), shade(slabs, 0.88))
    canvas.flat(reach, (kerb_m - 0.12, kerb_m + 0.1), shade(slabs, 1.15))
    canvas.flat(reach, (kerb_m - 0.3, kerb_m - 0.12), shade(asphalt, 0.75))
    for dash in range(-10, 10):
        canvas.flat((dash * 3.0, dash * 3.0 + 1.5), (kerb_m * 0.55, kerb_m * 0.55 + 0.12), (205, 208, 208))
    below = slice(int(view.horizon_px + view.height_m * view.focal_px / canvas.wall_m), None)
    canvas.blotches(0.035, 40, below)
    canvas.blotches(0.03, 4, below)
    canvas.grain(6.0, below)


def _paint_car(canvas: Canvas, middle_m: float) -> None:
    paint, z = canvas.one_of(_CARS), (canvas.wall_m - 1.6, canvas.wall_m - 0.1)
    canvas.flat((middle_m - 2.2, middle_m + 2.2), (z[0] - 0.1, z[1]), (45, 45, 46))
    canvas.block((middle_m - 2.1, middle_m + 2.1), (0.25, 0.85), z, paint)
    canvas.block((middle_m - 1.2, middle_m + 1.35), (0.85, 1.4), (z[0] + 0.15, z[1] - 0.1), shade(paint, 0.9))
    for x in ((-1.1, 0.0), (0.08, 1.2)):
        canvas.upright((middle_m + x[0], middle_m + x[1]), (0.9, 1.3), z[0] + 0.14, (70, 66, 60))
    for wheel_m in (-1.35, 1.35):
        canvas.upright((middle_m + wheel_m - 0.3, middle_m + wheel_m + 0.3), (0.0, 0.55), z[0] - 0.01, (35, 35, 36))
