"""The ring's disk as it really is: a folder."""

import shutil
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from watchpost.contracts.records import CameraId
from watchpost.recordings.folder import Segment, cameras_in, segments_of
from watchpost.recordings.segment_file import mend

__all__ = ["FolderDisk"]

_MENDED = 4


class FolderDisk:
    """The segments below `root`, which may be missing. Every method raises OSError."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def segments(self) -> Iterable[tuple[CameraId, int, int]]:
        """Camera, beginning and bytes of each segment."""
        for camera in cameras_in(self._root):
            for segment in segments_of(self._root, camera):
                with suppress(FileNotFoundError):
                    yield camera, segment.begins_us, segment.path.stat().st_size

    def remove(self, camera: CameraId, begins_us: int) -> None:
        """Delete a segment, and the folder of a camera that has none left."""
        path = Segment(self._root, camera, begins_us).path
        path.unlink(missing_ok=True)
        with suppress(OSError):
            path.parent.rmdir()

    def free_bytes(self) -> int:
        """What may still be written by who is not root."""
        there = next(path for path in (self._root, *self._root.absolute().parents) if path.exists())
        return shutil.disk_usage(there).free

    def mend(self) -> int:
        """Cut off what killed writers left behind the last fragment; how many segments that were.

        Only the newest of each camera are looked at: others were when they were new, and what is torn is read as far as
        it is whole. Of 100 cameras and 24 hours all would take half a minute, in which nothing is recorded.
        """
        newest = [
            segment for camera in cameras_in(self._root) for segment in segments_of(self._root, camera)[-_MENDED:]
        ]
        return sum(mend(segment.path) for segment in newest)
