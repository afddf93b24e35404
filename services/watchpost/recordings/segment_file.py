"""Writes one segment so that it is whole up to its last fragment at every moment, on a full disk too."""

import fcntl
import os
import time
from contextlib import suppress
from pathlib import Path

from watchpost.recordings.boxes import shape_of

__all__ = ["SYNC_EVERY_S", "SegmentFile", "mend"]

SYNC_EVERY_S = 10.0
"""A power cut costs at most this much, and the fragment that was open (2 s)."""


class SegmentFile:
    """A file that grows by whole fragments, made with the first. Its lock tells others that somebody writes it.

    Every method raises OSError as the disk gives it; the file is then as long as it was before, or not there.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None
        self._synced_s = time.monotonic()
        self.size_bytes = 0

    def append(self, fragment: bytes) -> None:
        """Write a fragment, and have the disk keep all so far where that was long ago."""
        if self._descriptor is None:
            self._descriptor = self._made()
        rest = memoryview(fragment)
        try:
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        except OSError:
            with suppress(OSError):
                os.ftruncate(self._descriptor, self.size_bytes)
            raise
        self.size_bytes += len(fragment)
        if time.monotonic() - self._synced_s >= SYNC_EVERY_S:
            os.fdatasync(self._descriptor)
            self._synced_s = time.monotonic()

    def close(self) -> None:
        """Have the disk keep it all, and let others have the file."""
        try:
            if self._descriptor is not None:
                os.fdatasync(self._descriptor)
        finally:
            self.give_up()

    def give_up(self) -> None:
        """Leave the file as it is; one without any picture goes."""
        if self._descriptor is None:
            return
        with suppress(OSError):
            os.close(self._descriptor)
        self._descriptor = None
        if not self.size_bytes:
            with suppress(OSError):
                self._path.unlink()

    def _made(self) -> int:
        self._path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            sync_folder(self._path.parent)  # else the name may be lost with the power, and all that is written after
        except OSError:
            os.close(descriptor)
            self._path.unlink(missing_ok=True)
            raise
        return descriptor


def sync_folder(folder: Path) -> None:
    """Have the disk keep a folder's names. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def mend(path: Path) -> bool:
    """Cut off what a killed writer left of a fragment; True where the file was mended, or held nothing and went.

    A file that somebody writes now stays as it is. Raises OSError.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shape = shape_of(descriptor)
        if not shape.fragments:
            path.unlink()
            return True
        if shape.whole_bytes == os.fstat(descriptor).st_size:
            return False
        os.ftruncate(descriptor, shape.whole_bytes)
    except BlockingIOError:
        return False
    else:
        return True
    finally:
        os.close(descriptor)
