"""Writes recordings of every kind with PyAV, so that the readers are tried on real bytes.

write_recording(path, moving_square(50), fps=Fraction(25), codec="libx264")
"""

from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import numpy as np
import numpy.typing as npt
from av.video.stream import VideoStream

__all__ = ["moving_square", "turned_in_header", "write_recording", "write_sound"]

Picture = npt.NDArray[np.uint8]
_MATRIX_90 = (0, 0x10000, 0, -0x10000 & 0xFFFFFFFF, 0, 0, 0, 0, 0x40000000)
"""The display matrix of a phone held upright: shown turned by 90 degrees clockwise."""


def moving_square(frames: int, width_px: int = 320, height_px: int = 240) -> Iterator[Picture]:
    """Grey pictures with a white square that moves to the right; the upper left quarter is red."""
    for number in range(frames):
        picture = np.full((height_px, width_px, 3), 90, np.uint8)
        picture[: height_px // 4, : width_px // 4] = (0, 0, 255)
        left = (number * 4) % (width_px - 40)
        picture[height_px // 2 : height_px // 2 + 40, left : left + 40] = 255
        yield picture


def write_recording(
    path: Path,
    pictures: Iterable[Picture],
    *,
    fps: Fraction = Fraction(25),
    codec: str = "libx264",
    pixel_format: str = "yuv420p",
    aspect: Fraction = Fraction(1),
    options: dict[str, str] | None = None,
) -> Path:
    """Encode BGR pictures; the container is the one that the name's ending says."""
    with av.open(str(path), "w", options=options or {}) as container:
        stream: VideoStream | None = None
        for picture in pictures:
            if stream is None:
                stream = cast("VideoStream", container.add_stream(codec, rate=fps))
                stream.width, stream.height = picture.shape[1], picture.shape[0]
                stream.pix_fmt = pixel_format
                stream.codec_context.sample_aspect_ratio = aspect
            for packet in stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")):
                container.mux(packet)
        if stream is not None:
            for packet in stream.encode():
                container.mux(packet)
    return path


def write_sound(path: Path, seconds: float = 1.0) -> Path:
    """A recording without any picture."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=16_000)
        samples = np.zeros((1, 1024), np.float32)
        for _ in range(int(seconds * 16_000 / 1024)):
            frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="mono")
            frame.sample_rate = 16_000
            for packet in stream.encode(frame):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    return path


def turned_in_header(path: Path) -> Path:
    """Give an MP4 the display matrix of a phone held upright, as its track header holds it."""
    data = bytearray(path.read_bytes())
    header = data.index(b"tkhd")
    version = data[header + 4]
    at = header + 4 + (4 + 8 + 8 + 4 + 4 + 8 if version == 1 else 4 + 4 + 4 + 4 + 4 + 4) + 8 + 2 + 2 + 2 + 2
    data[at : at + 36] = b"".join(value.to_bytes(4, "big") for value in _MATRIX_90)
    path.write_bytes(bytes(data))
    return path
