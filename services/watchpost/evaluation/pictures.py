"""Brings the labelled pictures, each clip read once, with what comes before them where the model remembers."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

import cv2
import numpy as np

from watchpost.contracts.records import CameraId
from watchpost.errors import ConfigError
from watchpost.evaluation.labels import LabelledFrame
from watchpost.vision.recording import RecordedFrame, read_recording

__all__ = ["Shot", "shots_of"]

Shot = tuple[RecordedFrame, LabelledFrame | None]
"""A picture and its label; None of one that is there for the model's memory."""
_EVERY_FRAME_FPS = 1000.0
# times are written with few digits: a frame is meant by its time rounded up, too
_ROUNDING_S = 0.005


def shots_of(frames: Sequence[LabelledFrame], context_fps: float | None) -> Iterator[tuple[CameraId, Iterator[Shot]]]:
    """For each picture or clip its camera, and its shots in the order of their time.

    Args:
        frames: labelled ones, in any order.
        context_fps: how many frames a second are shown between labelled ones; None: not any.

    Raises:
        ConfigError: naming the line whose picture cannot be had.
        SourceError: a clip is none.

    """

    def source(frame: LabelledFrame) -> tuple[bool, str, str]:
        return frame.at_s is not None, str(frame.path), frame.camera

    for (is_clip, path, camera), labelled in groupby(sorted(frames, key=source), source):
        group = sorted(labelled, key=lambda frame: frame.at_s or 0.0)
        if is_clip:
            yield CameraId(camera), _of_clip(Path(path), group, context_fps)
        else:
            yield from ((CameraId(camera), iter([_of_image(frame)])) for frame in group)


def _of_image(frame: LabelledFrame) -> Shot:
    picture = cv2.imread(str(frame.path), cv2.IMREAD_COLOR)
    if picture is None:
        raise ConfigError(frame.place, f"{frame.path} is no picture that can be read", "name a JPEG or PNG file")
    return RecordedFrame(0, 0.0, picture.astype(np.uint8, copy=False)), frame


def _of_clip(path: Path, labelled: list[LabelledFrame], context_fps: float | None) -> Iterator[Shot]:
    waiting = list(reversed(labelled))
    due_s = 0.0
    for frame in read_recording(path, _EVERY_FRAME_FPS):
        meant = [waiting.pop() for _ in _reached(waiting, frame.time_s)]
        yield from ((frame, one) for one in meant)
        if not waiting:
            return
        if context_fps is not None and frame.time_s >= due_s - 1e-6:
            while due_s <= frame.time_s + 1e-6:
                due_s += 1 / context_fps
            if not meant:
                yield frame, None
    raise ConfigError(waiting[-1].place, f"{path} ends before {waiting[-1].at_s} s", "correct at_s")


def _reached(waiting: list[LabelledFrame], time_s: float) -> list[LabelledFrame]:
    return [frame for frame in waiting if (frame.at_s or 0.0) <= time_s + _ROUNDING_S]
