"""Pictures with soft edges and how they are laid over a frame, kept so that a repeated pose costs only the laying."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["Picture", "Sprite", "SpriteCache"]

Picture = NDArray[np.uint8]
_NOTHING_DRAWN: Final = 255


@dataclass(frozen=True, slots=True)
class Sprite:
    """Premultiplied colour (h, w, 3) and what it leaves of the ground behind it (h, w, 3), both 0…255.

    `offset_px` is the top-left corner as seen from the sprite's origin.
    """

    colour: Picture
    remaining: Picture
    offset_px: tuple[float, float]

    @classmethod
    def over_shadow(cls, bgra: Picture, shadow: Picture, offset_px: tuple[float, float]) -> "Sprite":
        """A premultiplied BGRA picture in front of a shadow's opacity (h, w)."""
        clear = cv2.bitwise_not(bgra[:, :, 3])
        left = cv2.multiply(clear, cv2.bitwise_not(shadow), scale=1 / 255)
        return cls(np.ascontiguousarray(bgra[:, :, :3]), _picture(cv2.merge([left, left, left])), offset_px)

    def trimmed(self) -> "Sprite":
        """The same without the rows and columns in which nothing is drawn."""
        drawn = self.remaining[:, :, 0] < _NOTHING_DRAWN
        rows, columns = np.flatnonzero(drawn.any(axis=1)), np.flatnonzero(drawn.any(axis=0))
        if not rows.size:
            return self
        part = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        offset_px = self.offset_px[0] + float(columns[0]), self.offset_px[1] + float(rows[0])
        return Sprite(self.colour[part].copy(), self.remaining[part].copy(), offset_px)

    @property
    def size_bytes(self) -> int:
        return self.colour.nbytes + self.remaining.nbytes

    def lay_over(self, frame: Picture, origin_px: tuple[float, float]) -> None:
        """Draw into `frame` (H, W, 3) with the origin at `origin_px`; what lies outside is cut off."""
        left = round(origin_px[0] + self.offset_px[0])
        top = round(origin_px[1] + self.offset_px[1])
        height, width = self.colour.shape[:2]
        x0, y0 = max(0, left), max(0, top)
        x1, y1 = min(frame.shape[1], left + width), min(frame.shape[0], top + height)
        if x0 >= x1 or y0 >= y1:
            return
        rows, columns = slice(y0 - top, y1 - top), slice(x0 - left, x1 - left)
        behind = frame[y0:y1, x0:x1]
        dimmed = cv2.multiply(behind, self.remaining[rows, columns], scale=1 / 255)
        frame[y0:y1, x0:x1] = cv2.add(dimmed, self.colour[rows, columns])


def _picture(image: object) -> Picture:
    return np.asarray(image, np.uint8)


class SpriteCache:
    """Keeps the most recently used sprites, up to a number of bytes."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._held_bytes = 0
        self._sprites: OrderedDict[Hashable, Sprite] = OrderedDict()

    def get(self, key: Hashable, draw: Callable[[], Sprite]) -> Sprite:
        """The sprite of a key, drawn if it is not kept."""
        sprite = self._sprites.get(key)
        if sprite is not None:
            self._sprites.move_to_end(key)
            return sprite
        sprite = draw()
        self._sprites[key] = sprite
        self._held_bytes += sprite.size_bytes
        while self._held_bytes > self._limit_bytes and len(self._sprites) > 1:
            self._held_bytes -= self._sprites.popitem(last=False)[1].size_bytes
        return sprite
