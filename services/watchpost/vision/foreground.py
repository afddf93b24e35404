"""What does not belong to the empty scene: a slow average of one camera's picture that people do not sink into."""

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from watchpost.vision.geometry import FractionBox

__all__ = ["Foreground"]

_WIDTH_PX = 160
_DIFFERS = 18.0
_SLOWEST = 0.02
_BLIND_SHARE = 0.5


class Foreground:
    """The background of one camera at 160 pixels of width, and what stands out from it. About 0.5 ms a frame."""

    def __init__(self) -> None:
        self._background: npt.NDArray[np.float32] | None = None
        self._grey = np.zeros((1, 1), np.float32)
        self._mask: npt.NDArray[np.bool_] = np.zeros((1, 1), np.bool_)
        self._frames = 0

    def take(self, picture: npt.NDArray[np.uint8]) -> None:
        """Compare a picture (height x width x 3) with the background. `learn` is to follow."""
        grey = self._reduced(picture)
        if self._background is None or self._background.shape != grey.shape:
            self._background, self._frames = grey.copy(), 0
        self._grey = grey
        difference = grey - self._background
        # the whole picture brightens when a lamp is lit or the camera's exposure follows a door: that is no body
        difference -= np.median(difference)
        mask = (np.abs(difference) > _DIFFERS).astype(np.uint8)
        self._mask = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((2, 2), np.uint8)).astype(np.bool_)

    def learn(self, people: Sequence[FractionBox]) -> None:
        """Let the background follow the picture taken last, except where people are: who lies stays foreground."""
        if self._background is None:
            return
        grey = self._grey
        self._frames += 1
        rate = np.full(grey.shape, max(_SLOWEST, 1 / (self._frames + 1)), np.float32)
        for box in people:
            rows, columns = self._part(box)
            rate[rows, columns] = 0
        self._background += rate * (grey - self._background)

    def share(self, box: FractionBox, without: Sequence[FractionBox] = ()) -> float | None:
        """The share of a box that is foreground; None when so much of the picture differs that it says nothing.

        What lies in the boxes `without` is somebody else's.
        """
        if self._mask.mean() > _BLIND_SHARE:
            return None
        part = self._without(without)[self._part(box)]
        return float(part.mean()) if part.size else 0.0

    def body(self, within: FractionBox, without: Sequence[FractionBox] = ()) -> FractionBox | None:
        """The box of the largest foreground blob in a part of the picture, None where there is none.

        What lies in the boxes `without` is somebody else's.
        """
        if self._mask.mean() > _BLIND_SHARE:
            return None
        rows, columns = self._part(within)
        part = self._without(without)[rows, columns].astype(np.uint8)
        if not part.any():
            return None
        closed = cv2.morphologyEx(part, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
        _, _, blobs, _ = cv2.connectedComponentsWithStats(closed)
        x, y, width, height, _ = blobs[1:][int(blobs[1:, cv2.CC_STAT_AREA].argmax())].tolist()
        high, wide = self._mask.shape
        left, top = columns.start + x, rows.start + y
        return FractionBox(left / wide, top / high, (left + width) / wide, (top + height) / high)

    def _without(self, others: Sequence[FractionBox]) -> npt.NDArray[np.bool_]:
        if not others:
            return self._mask
        mask = self._mask.copy()
        for other in others:
            mask[self._part(other)] = False
        return mask

    def _part(self, box: FractionBox) -> tuple[slice, slice]:
        high, wide = self._mask.shape
        x0, x1 = max(0, int(box.x0 * wide)), min(wide, int(np.ceil(box.x1 * wide)))
        y0, y1 = max(0, int(box.y0 * high)), min(high, int(np.ceil(box.y1 * high)))
        return slice(y0, max(y0, y1)), slice(x0, max(x0, x1))

    @staticmethod
    def _reduced(picture: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        height = max(1, round(picture.shape[0] * _WIDTH_PX / picture.shape[1]))
        small = cv2.resize(picture, (_WIDTH_PX, height), interpolation=cv2.INTER_AREA)
        return cv2.cvtColor(small, cv2.COLOR_BGR2GRAY).astype(np.float32)
