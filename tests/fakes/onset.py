"""Recordings of a quiet camera in which something begins to move, encoded as cameras do."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from tests.requirements import require

__all__ = ["CAPPED", "CONSTANT", "Onset", "write_onset"]

CAPPED = ("-c:v", "libx264", "-preset", "veryfast", "-tune", "zerolatency", "-crf", "26")
"""Rate by quality, as "VBR" with a cap: what does not move costs next to nothing."""
CONSTANT = (*CAPPED[:-2], "-b:v", "600k", "-maxrate", "600k", "-bufsize", "300k", "-x264-params", "nal-hrd=cbr")
"""The same bytes whatever happens."""

Picture = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Onset:
    """What is filmed: noise over a fixed ground, and from `at_s` on a figure that walks through it.

    Pictures are 640 x 360 at 25 a second; the figure covers 0.6 % of them and walks 50 px a second.
    """

    at_s: float = 31.3
    lasts_s: float = 4.0
    noise_levels: float = 2.5
    keyframe_every: int = 50
    seed: int = 1

    def pictures(self) -> list[Picture]:
        """Grey pictures."""
        random = np.random.default_rng(self.seed)
        coarse = random.integers(60, 180, (12, 20)).astype(np.uint8)
        ground = cv2.resize(coarse, (640, 360), interpolation=cv2.INTER_CUBIC).astype(np.float32)
        grain = [np.asarray(random.normal(0, self.noise_levels, ground.shape), np.float32) for _ in range(17)]
        figure = cv2.resize(random.integers(20, 235, (12, 4)).astype(np.uint8), (24, 60), interpolation=cv2.INTER_CUBIC)
        pictures = []
        for n in range(round((self.at_s + self.lasts_s) * 25)):
            picture = ground + np.roll(grain[n % 17], n * 37 % 500, axis=1)
            walked_px = round((n / 25 - self.at_s) * 50)
            if walked_px > 0:
                picture[180:240, walked_px : walked_px + 24] = figure + grain[n % 17][180:240, :24]
            pictures.append(np.clip(picture, 16, 235).astype(np.uint8))
        return pictures


def write_onset(path: Path, onset: Onset, encoder: tuple[str, ...] = CAPPED) -> Path:
    """Encode it with ffmpeg; the suffix chooses the container."""
    require("ffmpeg", "apt-get install -y ffmpeg")
    keyframes = ("-g", str(onset.keyframe_every), "-keyint_min", str(onset.keyframe_every), "-sc_threshold", "0")
    raw = ("-f", "rawvideo", "-pix_fmt", "gray", "-s", "640x360", "-r", "25", "-i", "-")
    command = [
        "ffmpeg",
        "-v",
        "error",
        "-y",
        *raw,
        *encoder,
        *keyframes,
        "-threads",
        "1",
        "-pix_fmt",
        "yuv420p",
        str(path),
    ]
    subprocess.run(command, input=b"".join(picture.tobytes() for picture in onset.pictures()), check=True)
    return path
