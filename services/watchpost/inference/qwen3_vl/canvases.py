"""Which canvas a picture is scaled to: a few fixed sizes, so that each has its graph and nothing is padded."""

import math
from collections.abc import Sequence

from watchpost.inference.canvas_sizes import CANVAS_SIZES_PX
from watchpost.inference.qwen3_vl.places import Canvas

__all__ = ["DEFAULT_CANVASES", "canvas_for"]

DEFAULT_CANVASES = tuple(Canvas(*size) for size in CANVAS_SIZES_PX)
_SAME_ASPECT = math.log(1.12)


def canvas_for(width_px: int, height_px: int, canvases: Sequence[Canvas]) -> Canvas:
    """The smallest canvas of about the picture's aspect that holds it, else the largest of that aspect.

    Where no aspect is near, the nearest one: a person stretched by a third is still a person.
    """
    stretch = {canvas: abs(math.log(canvas.width_px / canvas.height_px * height_px / width_px)) for canvas in canvases}
    least = max(min(stretch.values()), _SAME_ASPECT)
    alike = sorted((canvas for canvas in canvases if stretch[canvas] <= least), key=_area)
    # a few lines less than the picture has (720 on 704) still hold it
    holding = [
        canvas for canvas in alike if canvas.width_px * 1.05 >= width_px and canvas.height_px * 1.05 >= height_px
    ]
    return holding[0] if holding else alike[-1]


def _area(canvas: Canvas) -> int:
    return canvas.width_px * canvas.height_px
