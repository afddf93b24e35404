"""Keeps the clips of confirmed events: copies with a life of their own, so that the ring may go on.

clips = Clips(root, clips_bounds, clock)
clips.keep("8a0f…", cut, taken_us)
clips.path("8a0f…")
"""

import os
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from watchpost.clock import Clock
from watchpost.errors import RetryableError
from watchpost.recordings.cutting import Cut
from watchpost.recordings.segment_file import sync_folder
from watchpost.settings import ClipSettings

__all__ = ["Clips", "is_event_id"]

_EVENT_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z-]{0,63}")
_UNFINISHED_S = 600


@dataclass(frozen=True, slots=True)
class _Kept:
    path: Path
    taken_s: float
    size_bytes: int


def is_event_id(text: str) -> bool:
    """Whether a clip may be named so."""
    return _EVENT_ID.fullmatch(text) is not None


class Clips:
    """The clips below `root`: bounded by days and by bytes of their own, the oldest go first."""

    def __init__(self, root: Path, settings: ClipSettings, clock: Clock) -> None:
        self._folder = root / "clips"
        self._keep = timedelta(days=settings.keep_days)
        self._max_bytes = settings.max_bytes
        self._clock = clock

    def path(self, event_id: str) -> Path | None:
        """Where an event's clip lies if there is one; None too for what can be no event's id. Raises OSError."""
        path = self._path(event_id)
        return path if path is not None and path.exists() else None

    def keep(self, event_id: str, cut: Cut, taken_us: int) -> None:
        """Write an event's clip, whole or not at all; `taken_us` is when the event was.

        Raises:
            RetryableError: the disk does not take it.
            ValueError: the id can be no event's.
        """
        path = self._path(event_id)
        if path is None:
            raise ValueError(f"{event_id!r} is no event's id")
        unfinished = path.with_name(f".{event_id}.{os.getpid()}.part")
        try:
            self._folder.mkdir(mode=0o750, parents=True, exist_ok=True)
            cut.write(unfinished)
            os.utime(unfinished, ns=(taken_us * 1000, taken_us * 1000))
            _sync(unfinished)
            unfinished.replace(path)
            sync_folder(self._folder)
        except OSError as error:
            raise RetryableError(f"{path} cannot be written: {error}") from error
        finally:
            with suppress(OSError):
                unfinished.unlink(missing_ok=True)

    def sweep(self) -> None:
        """Delete what is too old, the oldest where they are too many bytes, and what killed processes left unfinished.

        Raises OSError.
        """
        self._sweep_unfinished()
        kept = sorted(self._kept(), key=lambda clip: clip.taken_s)
        keep_from_s = (self._clock.now() - self._keep).timestamp()
        kept_bytes = sum(clip.size_bytes for clip in kept)
        for clip in kept:
            if clip.taken_s >= keep_from_s and kept_bytes <= self._max_bytes:
                return
            clip.path.unlink(missing_ok=True)
            kept_bytes -= clip.size_bytes

    def _path(self, event_id: str) -> Path | None:
        return self._folder / f"{event_id}.mp4" if is_event_id(event_id) else None

    def _sweep_unfinished(self) -> None:
        if self._folder.is_dir():
            for path in self._folder.glob(".*.part"):
                with suppress(FileNotFoundError):
                    if time.time() - path.stat().st_ctime > _UNFINISHED_S:
                        path.unlink()

    def _kept(self) -> Iterator[_Kept]:
        if not self._folder.is_dir():
            return
        for path in self._folder.glob("*.mp4"):
            with suppress(FileNotFoundError):
                status = path.stat()
                yield _Kept(path, status.st_mtime, status.st_size)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
