"""Boxes that know their frame of reference, so that a fraction is never taken for a pixel."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["FULL_FRAME", "FractionBox", "FractionPoint", "PixelBox"]


@dataclass(frozen=True, slots=True)
class FractionPoint:
    """A point as fractions (0…1) of the full frame, origin top-left."""

    x: float
    y: float


@dataclass(frozen=True, slots=True)
class FractionBox:
    """A box as fractions (0…1) of the full frame, origin top-left."""

    x0: float
    y0: float
    x1: float
    y1: float

    @property
    def width(self) -> float:
        return self.x1 - self.x0

    @property
    def height(self) -> float:
        return self.y1 - self.y0

    @property
    def area(self) -> float:
        return max(0.0, self.width) * max(0.0, self.height)

    @property
    def center(self) -> tuple[float, float]:
        return (self.x0 + self.x1) / 2, (self.y0 + self.y1) / 2

    def to_pixels(self, width_px: int, height_px: int) -> PixelBox:
        """The same box in a frame of `width_px` x `height_px`, clipped to it."""
        return PixelBox(self.x0 * width_px, self.y0 * height_px, self.x1 * width_px, self.y1 * height_px).clipped(
            width_px, height_px
        )

    def intersection_over_union(self, other: FractionBox) -> float:
        """Overlap from 0 (apart) to 1 (the same box). Both must be fractions of the same frame."""
        width = min(self.x1, other.x1) - max(self.x0, other.x0)
        height = min(self.y1, other.y1) - max(self.y0, other.y0)
        if width <= 0 or height <= 0:
            return 0.0
        shared = width * height
        return shared / (self.area + other.area - shared)

    def placed_in(self, region: FractionBox) -> FractionBox:
        """Turn fractions of `region` into fractions of the frame in which `region` lies."""
        return FractionBox(
            region.x0 + self.x0 * region.width,
            region.y0 + self.y0 * region.height,
            region.x0 + self.x1 * region.width,
            region.y0 + self.y1 * region.height,
        )

    def within(self, region: FractionBox) -> FractionBox:
        """Turn fractions of the frame into fractions of `region`, which is no line: what `placed_in` undoes."""
        return FractionBox(
            (self.x0 - region.x0) / region.width,
            (self.y0 - region.y0) / region.height,
            (self.x1 - region.x0) / region.width,
            (self.y1 - region.y0) / region.height,
        )


FULL_FRAME = FractionBox(0.0, 0.0, 1.0, 1.0)


@dataclass(frozen=True, slots=True)
class PixelBox:
    """A box in pixels of one picture, origin top-left. Edges may fall between pixels."""

    x0: float
    y0: float
    x1: float
    y1: float

    @property
    def width(self) -> float:
        return self.x1 - self.x0

    @property
    def height(self) -> float:
        return self.y1 - self.y0

    def clipped(self, width_px: int, height_px: int) -> PixelBox:
        """The part that lies in a picture of `width_px` x `height_px`."""

        def clip(value: float, limit: int) -> float:
            return min(max(value, 0.0), float(limit))

        return PixelBox(
            clip(self.x0, width_px), clip(self.y0, height_px), clip(self.x1, width_px), clip(self.y1, height_px)
        )

    def to_fractions(self, width_px: int, height_px: int) -> FractionBox:
        """The same box as fractions of a picture of `width_px` x `height_px`."""
        return FractionBox(self.x0 / width_px, self.y0 / height_px, self.x1 / width_px, self.y1 / height_px)
