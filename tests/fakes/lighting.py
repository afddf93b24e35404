"""Pictures as a camera takes them under other lights: by infrared, in the dark, while lamps flicker on, covered.

    luma = by_day(frame.bgr)
    taken = noisy(by_infrared(frame.bgr), 4, seed)

Each returns the brightness of each pixel, (height, width), in studio range and without noise.
"""

import cv2
import numpy as np
import numpy.typing as npt

__all__ = ["Luma", "Pixels", "black", "by_day", "by_infrared", "by_one_lamp_after_the_other", "in_the_dark", "noisy"]

Pixels = npt.NDArray[np.uint8]
Luma = npt.NDArray[np.float32]

_FLOOR, _SPAN = 16.0, 219.0
_LAMPS_START_S = (0.0, 0.4, 0.9)


def by_day(bgr: Pixels) -> Luma:
    """As it is."""
    return _studio(cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY).astype(np.float32))


def by_infrared(bgr: Pixels) -> Luma:
    """Lit by the camera's own lamp: bright in the middle, dark at the edges, and what is red or warm stands out."""
    blue, green, red = (bgr[..., index].astype(np.float32) for index in range(3))
    height, width = red.shape
    across = (np.arange(width, dtype=np.float32) - width / 2) / (0.45 * width)
    down = (np.arange(height, dtype=np.float32) - 0.6 * height) / (0.5 * height)
    lamp = 1.4 * np.exp(-(across[None] ** 2) - down[:, None] ** 2) + 0.15
    return _studio((0.1 * blue + 0.3 * green + 1.1 * red - 20) * lamp * np.float32(0.9))


def in_the_dark(bgr: Pixels, share: float = 0.06) -> Luma:
    """With that share of the light."""
    return _FLOOR + (by_day(bgr) - _FLOOR) * np.float32(share)


def by_one_lamp_after_the_other(bgr: Pixels, since_s: float) -> Luma:
    """So long after the switch: three tubes, each over a third of the picture, that blink once as they start."""
    seen, lit = in_the_dark(bgr), by_day(bgr)
    thirds = np.array_split(np.arange(seen.shape[1]), len(_LAMPS_START_S))
    for columns, start_s in zip(thirds, _LAMPS_START_S, strict=True):
        blinks = start_s + 0.2 <= since_s < start_s + 0.3
        if since_s >= start_s and not blinks:
            seen[:, columns] = lit[:, columns]
    return seen


def black(bgr: Pixels) -> Luma:
    """As behind a lens cap."""
    return np.full(bgr.shape[:2], _FLOOR, np.float32)


def noisy(luma: Luma, sigma: float, seed: int) -> Pixels:
    """The picture as the sensor gives it."""
    random = np.random.default_rng(seed)
    return np.clip(luma + random.normal(0, sigma, luma.shape), 0, 255).astype(np.uint8)


def _studio(grey: npt.NDArray[np.float32]) -> Luma:
    return _FLOOR + np.clip(grey, 0, 255) * np.float32(_SPAN / 255)
