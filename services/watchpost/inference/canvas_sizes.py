"""The sizes that a larger model looks at, without torch: who cuts a picture for it does not load it."""

from watchpost.vision.canvas_crops import Canvas

__all__ = ["CANVAS_SIZES_PX"]

CANVAS_SIZES_PX: tuple[Canvas, ...] = ((640, 352), (1280, 704), (640, 480), (704, 1280))
"""Width and height of each."""
