"""Where a picture changed in one place alone, finds the smallest canvas that shows that place pixel by pixel."""

from collections.abc import Sequence

from watchpost.vision.geometry import FULL_FRAME, FractionBox, PixelBox

__all__ = ["Canvas", "changed_part"]

Canvas = tuple[int, int]
"""Width and height in pixels."""
# what moves is judged by what it stands beside
_MARGIN_PX = 48.0


def changed_part(
    size_px: Canvas,
    changed: Sequence[FractionBox],
    canvases: Sequence[Canvas],
    roi: FractionBox | None = None,
    margin_px: float = _MARGIN_PX,
) -> PixelBox | None:
    """The part, exactly as large as one of `canvases`, in whose midst all of `changed` lies with a margin.

    Args:
        size_px: the picture's size.
        changed: boxes as fractions of the full frame.
        canvases: sizes to choose from, in any order.
        roi: the part of the full frame that the picture shows; all of it without one.
        margin_px: how much around the boxes must be seen too, up to the picture's edge.

    Returns:
        whole pixels; None where nothing changed, or no canvas smaller than the picture holds it.

    """
    if not changed:
        return None
    wanted = _around([_in_picture(box, roi or FULL_FRAME, size_px) for box in changed], margin_px).clipped(*size_px)
    fitting = [
        canvas
        for canvas in canvases
        if canvas != size_px
        and all(side <= limit for side, limit in zip(canvas, size_px, strict=True))
        and wanted.width <= canvas[0]
        and wanted.height <= canvas[1]
    ]
    if not fitting:
        return None
    width_px, height_px = min(fitting, key=lambda canvas: (canvas[0] * canvas[1], canvas))
    left = _start((wanted.x0 + wanted.x1) / 2, width_px, size_px[0])
    top = _start((wanted.y0 + wanted.y1) / 2, height_px, size_px[1])
    return PixelBox(left, top, left + width_px, top + height_px)


def _start(middle: float, length_px: int, limit_px: int) -> int:
    return min(max(0, round(middle - length_px / 2)), limit_px - length_px)


def _in_picture(box: FractionBox, roi: FractionBox, size_px: Canvas) -> PixelBox:
    across, down = size_px[0] / roi.width, size_px[1] / roi.height
    return PixelBox(
        (box.x0 - roi.x0) * across, (box.y0 - roi.y0) * down, (box.x1 - roi.x0) * across, (box.y1 - roi.y0) * down
    )


def _around(boxes: Sequence[PixelBox], margin_px: float) -> PixelBox:
    return PixelBox(
        min(box.x0 for box in boxes) - margin_px,
        min(box.y0 for box in boxes) - margin_px,
        max(box.x1 for box in boxes) + margin_px,
        max(box.y1 for box in boxes) + margin_px,
    )
