"""Where recordings lie, told by names alone: the folder is the index, so that no crash can part the two.

    ROOT/cameras/door/1767614400000000.mp4    a segment, named by when it begins, in microseconds since 1970
    ROOT/clips/8a0f2b6e-….mp4                 the clip of an event

A segment ends where the camera's next one begins, at the latest; what it holds to the end it says itself (`boxes.py`).
"""

import os
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from watchpost.contracts.records import CameraId

__all__ = ["Segment", "camera_folder", "cameras_in", "has_recordings", "segments_between", "segments_of"]

_NAME = re.compile(r"[0-9]{1,17}\.mp4")
_CAMERA = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment of a camera. `begins_us`: the site's time of its first picture."""

    root: Path
    camera: CameraId
    begins_us: int

    @property
    def path(self) -> Path:
        """Where it lies."""
        return camera_folder(self.root, self.camera) / f"{self.begins_us}.mp4"


def camera_folder(root: Path, camera: CameraId) -> Path:
    """Where a camera's segments lie.

    Raises:
        ValueError: no camera can have this name, and no folder may be made of it.
    """
    if not _is_name(camera):
        raise ValueError(f"{camera!r} is no camera's name")
    return root / "cameras" / camera


def has_recordings(root: Path, camera: CameraId) -> bool:
    """Whether there are, or were lately, recordings of a camera. Raises OSError."""
    return _is_name(camera) and camera_folder(root, camera).is_dir()


def cameras_in(root: Path) -> Iterator[CameraId]:
    """The cameras of which there are, or were, recordings. Raises OSError."""
    folder = root / "cameras"
    if not folder.is_dir():
        return
    for entry in os.scandir(folder):
        if _is_name(entry.name) and entry.is_dir():
            yield CameraId(entry.name)


def segments_of(root: Path, camera: CameraId) -> list[Segment]:
    """A camera's segments, the oldest first. Raises OSError, and ValueError as `camera_folder`."""
    try:
        names = [path.name for path in camera_folder(root, camera).iterdir()]
    except FileNotFoundError:
        return []
    begins = sorted(int(name.removesuffix(".mp4")) for name in names if _NAME.fullmatch(name))
    return [Segment(root, camera, begins_us) for begins_us in begins]


def segments_between(segments: Sequence[Segment], from_us: int, to_us: int) -> Sequence[Segment]:
    """Those of a camera's sorted segments that may hold pictures of this time: two searches by halves."""
    first = bisect_right(segments, from_us, key=lambda segment: segment.begins_us)
    last = bisect_left(segments, to_us, key=lambda segment: segment.begins_us)
    return segments[max(0, first - 1) : last]


def _is_name(text: str) -> bool:
    return _CAMERA.fullmatch(text) is not None
