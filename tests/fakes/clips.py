"""Tiny recordings for tests, made when they are needed: a bright box walks over a noisy picture."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av import VideoFrame, VideoStream

from watchpost.vision.motion import Luma

__all__ = ["pictures", "write_audio", "write_clip"]


def pictures(count: int, *, width_px: int = 320, height_px: int = 180, seed: int = 0) -> Iterator[Luma]:
    """Grey pictures of shape (height_px, width_px)."""
    random = np.random.default_rng(seed)
    ground = np.kron(random.integers(60, 160, (height_px // 20 + 1, width_px // 20 + 1)), np.ones((20, 20)))
    ground = ground[:height_px, :width_px]
    for n in range(count):
        picture = ground + random.normal(0, 3, ground.shape)
        left_px = (n * 5) % (width_px - 40)
        picture[height_px // 3 : height_px // 3 * 2, left_px : left_px + 30] = 230
        yield np.clip(picture, 16, 235).astype(np.uint8)


def write_clip(  # noqa: PLR0913  (each test varies another of these)
    path: Path,
    *,
    frames: int = 50,
    fps: int = 25,
    size: tuple[int, int] = (320, 180),
    codec: str = "libx264",
    pixel_format: str = "yuv420p",
    pixel_aspect: Fraction | None = None,
    keyframe_every: int = 10,
) -> Path:
    """Write a recording; the suffix chooses its container."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=fps)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height = size
        stream.pix_fmt = pixel_format
        stream.codec_context.gop_size = keyframe_every
        stream.codec_context.thread_count = 1
        if pixel_aspect is not None:
            stream.codec_context.sample_aspect_ratio = pixel_aspect
        if codec == "libx264":
            stream.codec_context.options = {"preset": "ultrafast", "sc_threshold": "0"}
        for picture in pictures(frames, width_px=size[0], height_px=size[1]):
            grey = VideoFrame.from_ndarray(picture, format="gray")
            container.mux(stream.encode(grey.reformat(format=pixel_format)))
        container.mux(stream.encode(None))
    return path


def write_audio(path: Path) -> Path:
    """A second of silence, and no video."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=16_000)
        for start in range(0, 16_000, 1024):
            sound = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
            sound.sample_rate, sound.pts = 16_000, start
            container.mux(stream.encode(sound))
        container.mux(stream.encode(None))
    return path
