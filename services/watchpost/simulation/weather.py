"""Light that changes over time and a sensor's noise, because a still picture would flatter every detector."""

from math import pi, sin
from typing import Final

import cv2
import numpy as np

from watchpost.simulation.sprites import Picture

__all__ = ["Weather"]


class Weather:
    """The light and the noise of one scene: pure functions of time and frame, drawn by lot from `random`."""

    def __init__(self, width_px: int, height_px: int, random: np.random.Generator) -> None:
        self._exposure = float(random.uniform(0.88, 1.12))
        self._waves = tuple(
            (float(random.uniform(0.01, 0.045)), float(random.uniform(7, 40)), float(random.uniform(0, 2 * pi)))
            for _ in range(3)
        )
        self._size = (height_px, width_px)
        noise_levels = float(random.uniform(1.0, 2.6))
        grain = random.normal(0.0, 0.75, (height_px + _SLACK_PX, width_px + _SLACK_PX, 1))
        colour = random.normal(0.0, 0.45, (height_px + _SLACK_PX, width_px + _SLACK_PX, 3))
        noise = (grain + colour) * noise_levels
        self._brighter = np.clip(np.round(noise), 0, 255).astype(np.uint8)
        self._darker = np.clip(np.round(-noise), 0, 255).astype(np.uint8)

    def gain_at(self, time_s: float) -> float:
        """How bright the scene is, about 1."""
        return self._exposure * (1 + sum(size * sin(2 * pi * time_s / s + at) for size, s, at in self._waves))

    def seen(self, frame: Picture, index: int, time_s: float) -> Picture:
        """The frame as the sensor gives it under this instant's light."""
        lit = cv2.convertScaleAbs(frame, alpha=self.gain_at(time_s))
        down, right = (int(step) for step in np.random.default_rng([index, 5]).integers(_SLACK_PX, size=2))
        rows, columns = slice(down, down + self._size[0]), slice(right, right + self._size[1])
        brighter = cv2.add(lit, self._brighter[rows, columns])
        return np.asarray(cv2.subtract(brighter, self._darker[rows, columns]), np.uint8)


_SLACK_PX: Final = 64
