"""Square cuts from a picture, turned by quarters, and the way back from boxes in a cut to boxes in the picture."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from watchpost.vision.geometry import PixelBox

__all__ = ["Cut", "cut_square"]

_PADDING = 114


@dataclass(frozen=True, slots=True)
class Cut:
    """A square part of a picture, turned counterclockwise by `quarters` x 90 degrees.

    Args:
        pixels: side x side x 3; what lies outside of the picture is grey.
        left: the picture's column of the cut's left edge before turning; may be negative.
        top: the picture's row of the cut's upper edge before turning; may be negative.
        quarters: 0, 1, 2 or 3.

    """

    pixels: npt.NDArray[np.uint8]
    left: int
    top: int
    quarters: int = 0

    @property
    def side(self) -> int:
        return int(self.pixels.shape[0])

    def turned(self, quarters: int) -> "Cut":
        """The same part, turned further counterclockwise. The pixels are a view."""
        return Cut(np.rot90(self.pixels, quarters), self.left, self.top, (self.quarters + quarters) % 4)

    def in_picture(self, box: PixelBox) -> PixelBox:
        """A box of the turned cut as a box of the picture."""
        (x0, y0), (x1, y1) = self.point_in_picture(box.x0, box.y0), self.point_in_picture(box.x1, box.y1)
        return PixelBox(min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1))

    def point_in_picture(self, x: float, y: float) -> tuple[float, float]:
        """A point of the turned cut as a point of the picture."""
        match self.quarters:
            case 0:
                inner = (x, y)
            case 1:
                inner = (self.side - y, x)
            case 2:
                inner = (self.side - x, self.side - y)
            case _:
                inner = (y, self.side - x)
        return self.left + inner[0], self.top + inner[1]


def cut_square(picture: npt.NDArray[np.uint8], center_x: float, center_y: float, side: float) -> Cut:
    """The upright cut of about `side` pixels around a point, padded with grey where it leaves the picture."""
    length = max(1, round(side))
    left, top = round(center_x - length / 2), round(center_y - length / 2)
    pixels = np.full((length, length, 3), _PADDING, np.uint8)
    x0, y0 = max(left, 0), max(top, 0)
    x1, y1 = min(left + length, picture.shape[1]), min(top + length, picture.shape[0])
    if x1 > x0 and y1 > y0:
        pixels[y0 - top : y1 - top, x0 - left : x1 - left] = picture[y0:y1, x0:x1]
    return Cut(pixels, left, top)
