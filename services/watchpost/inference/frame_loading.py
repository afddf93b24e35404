"""Loads the pixels of frames before their turn comes, or says why there are none."""

import time
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import structlog

from watchpost.contracts.records import FrameCaptured, SkipReason
from watchpost.errors import FrameCorruptError, FrameGoneError
from watchpost.frames import FrameStore
from watchpost.inference.analyzer import LoadedFrame
from watchpost.inference.frame_pixels import load_pixels
from watchpost.inference.waiting_frames import TakenFrame

__all__ = ["FrameLoader", "Loaded"]

_LOG = structlog.get_logger()
_LOADERS = 4


@dataclass(frozen=True, slots=True)
class Loaded:
    """A frame's pixels, or why there are none, and how long that took."""

    found: LoadedFrame | SkipReason
    took_s: float


class FrameLoader:
    """A few threads that load. Only one thread may call it."""

    def __init__(self, store: FrameStore) -> None:
        self._store = store
        self._threads = ThreadPoolExecutor(_LOADERS, "frames")
        self._ahead: dict[tuple[int, int], Future[Loaded]] = {}

    def begin(self, frames: Iterable[TakenFrame], at_most: int) -> None:
        """Load these, unless that was begun; no more than `at_most` lie loaded."""
        for frame in frames:
            if len(self._ahead) < at_most and frame.place not in self._ahead:
                self._ahead[frame.place] = self._threads.submit(self._load, frame.record)

    def taken(self, frame: TakenFrame) -> Future[Loaded]:
        """Its pixels, when they are there."""
        loading = self._ahead.pop(frame.place, None)
        return self._threads.submit(self._load, frame.record) if loading is None else loading

    def drop(self, frames: Iterable[TakenFrame]) -> None:
        """Nobody will look at these."""
        for frame in frames:
            loading = self._ahead.pop(frame.place, None)
            if loading is not None:
                loading.cancel()

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown(cancel_futures=True)

    def _load(self, frame: FrameCaptured) -> Loaded:
        begun_s = time.monotonic()
        found: LoadedFrame | SkipReason
        try:
            found = load_pixels(self._store, frame)
        except FrameGoneError:
            found = SkipReason.FRAME_GONE
        except FrameCorruptError as error:
            _LOG.warning("frame is corrupt", frame_id=frame.frame_id, camera=frame.camera, error=str(error))
            found = SkipReason.FRAME_CORRUPT
        return Loaded(found, time.monotonic() - begun_s)
