"""Reads the frames of a recording in any container and codec that PyAV opens, upright and with sane times."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import numpy.typing as npt
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from watchpost.errors import SourceError, SourceFailure

__all__ = ["RecordedFrame", "read_recording"]

_USUAL_RATE = 25.0
_MISSING_S, _MISSING_SHARE = 1.0, 0.1


@dataclass(frozen=True, slots=True)
class RecordedFrame:
    """One frame as it is meant to be seen: `bgr` is height x width x 3. `index` counts all frames of the file."""

    index: int
    time_s: float
    bgr: npt.NDArray[np.uint8]


def read_recording(path: Path, fps: float) -> Iterator[RecordedFrame]:
    """At most `fps` frames a second of a recording, in the order of their time, which begins at 0.

    Raises SourceError: at once when there is nothing to read; after the last good frame when the file ends early.
    """
    if not path.is_file():
        raise SourceError(SourceFailure.REFUSED, f"{path} is no file; name a video recording")
    try:
        container = av.open(str(path))
    except (av.FFmpegError, ValueError, OSError) as problem:
        raise SourceError(
            SourceFailure.UNSUPPORTED, f"{path} is no video recording that can be read: {problem}"
        ) from problem
    with container:
        if not container.streams.video:
            raise SourceError(SourceFailure.UNSUPPORTED, f"{path} holds no video stream")
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        yield from _sampled(path, container, stream, fps)


def _sampled(path: Path, container: InputContainer, stream: VideoStream, fps: float) -> Iterator[RecordedFrame]:
    times = _Times(stream)
    index, due_s, last_s = -1, 0.0, 0.0
    for index, frame in enumerate(_decoded(path, container, stream)):
        last_s = times.of(frame, index)
        if last_s < due_s - 1e-6:
            continue
        while due_s <= last_s + 1e-6:
            due_s += 1 / fps
        yield RecordedFrame(index, last_s, _as_shown(frame, stream))
    if index < 0:
        raise SourceError(SourceFailure.UNSUPPORTED, f"not one frame of {path} can be decoded")
    promised_s = _promised_s(container, stream)
    if promised_s is not None and promised_s - last_s > max(_MISSING_S, _MISSING_SHARE * promised_s):
        raise SourceError(SourceFailure.ENDED, f"{path} is truncated: it ends at {last_s:.1f} s of {promised_s:.1f} s")


def _decoded(path: Path, container: InputContainer, stream: VideoStream) -> Iterator[VideoFrame]:
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets)
        except StopIteration:
            return
        except (av.FFmpegError, OSError) as problem:
            raise SourceError(SourceFailure.ENDED, f"{path} breaks off: {problem}") from problem
        try:
            frames = packet.decode()
        except av.FFmpegError:
            # one broken picture: the decoder finds its feet at the next good one
            continue
        yield from (frame for frame in frames if isinstance(frame, VideoFrame))


class _Times:
    """Times from the frames' own stamps; where there are none or they run backwards, from the frame rate."""

    def __init__(self, stream: VideoStream) -> None:
        rate = stream.average_rate or stream.guessed_rate
        self._step_s = 1 / float(rate) if rate else 1 / _USUAL_RATE
        self._start_s: float | None = None
        self._last_s: float | None = None

    def of(self, frame: VideoFrame, index: int) -> float:
        stamp_s = None if frame.pts is None or frame.time is None else float(frame.time)
        if stamp_s is not None and self._start_s is None:
            self._start_s = stamp_s - index * self._step_s
        time_s = index * self._step_s if stamp_s is None else stamp_s - (self._start_s or 0.0)
        if self._last_s is not None and time_s <= self._last_s:
            time_s = self._last_s + self._step_s
        self._last_s = time_s
        return time_s


def _promised_s(container: InputContainer, stream: VideoStream) -> float | None:
    """How long the video should be by the file's own word; None where only the length with sound is known."""
    rate = stream.average_rate
    # AVI: the duration follows from the file's size, the count of frames stands in its header
    counted_s = float(stream.frames / rate) if stream.frames and rate else 0.0
    if stream.duration is not None and stream.time_base is not None:
        return max(counted_s, float(stream.duration * stream.time_base))
    if container.duration is not None and len(container.streams) == 1:
        return container.duration / av.time_base
    return None


def _as_shown(frame: VideoFrame, stream: VideoStream) -> npt.NDArray[np.uint8]:
    picture = frame.to_ndarray(format="bgr24").astype(np.uint8, copy=False)
    aspect = stream.sample_aspect_ratio or Fraction(1)
    if aspect > 0 and abs(aspect - 1) > Fraction(1, 50):
        width = max(1, round(picture.shape[1] * float(aspect)))
        picture = cv2.resize(picture, (width, picture.shape[0]), interpolation=cv2.INTER_AREA).astype(np.uint8)
    quarters = round(frame.rotation / 90) % 4
    return np.ascontiguousarray(np.rot90(picture, quarters)) if quarters else picture
