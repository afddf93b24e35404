"""Knows which clips are to be cut, keeps their footage until then, and cuts each once its time is recorded."""

import time
from contextlib import ExitStack
from dataclasses import dataclass

import structlog

from watchpost.clock import Clock, epoch_us
from watchpost.contracts.clips import gets_clip
from watchpost.contracts.records import CameraId, EventChanged
from watchpost.errors import NotRecordedError, RetryableError
from watchpost.recordings import (
    Clips,
    ClipTimes,
    Ring,
    Room,
    clip_times,
    cut_of,
    has_recordings,
    is_event_id,
    recorded_until_us,
)
from watchpost.settings import SiteSettings
from watchpost.stream import Received
from watchpost.telemetry import metrics

__all__ = ["ClipQueue"]

_LOG = structlog.get_logger()
_PATIENCE_US = 30_000_000
_DISK_WITHIN_S = 300.0


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A clip that is to be cut; `held` keeps its footage until then."""

    received: Received[EventChanged]
    event_id: str
    camera: CameraId
    times: ClipTimes
    held: ExitStack
    since_s: float


class ClipQueue:
    """The clips that are to be cut. Used by one thread.

    Args:
        settings: the site's.
        clips: where they go.
        ring: keeps their footage until they are cut.
        clock: the site's.
    """

    def __init__(self, settings: SiteSettings, clips: Clips, ring: Ring, clock: Clock) -> None:
        self._root = settings.recordings.folder(settings.state_dir)
        self._before_s, self._after_s = settings.recordings.clips.before_s, settings.recordings.clips.after_s
        self._clips, self._ring, self._clock = clips, ring, clock
        self._wanted: list[_Wanted] = []

    @property
    def waiting(self) -> list[Received[EventChanged]]:
        """The events whose clips are not cut yet."""
        return [wanted.received for wanted in self._wanted]

    def take(self, received: Received[EventChanged]) -> None:
        """Take in an event. Raises RetryableError: the disk does not answer."""
        event = received.record
        if event is None or not self._is_wanted(event):
            return
        times = clip_times(event, self._before_s, self._after_s)
        held = ExitStack()
        held.enter_context(self._ring.held(event.camera, times.from_us, times.to_us))
        self._wanted.append(_Wanted(received, event.event_id, event.camera, times, held, time.monotonic()))

    def cut_due(self) -> None:
        """Cut those whose time is over and recorded; what the disk does not take waits for the next call."""
        for wanted in list(self._wanted):
            try:
                is_done = self._is_due(wanted) and self._cut(wanted)
            except RetryableError as error:
                is_done = time.monotonic() - wanted.since_s > _DISK_WITHIN_S
                if is_done:
                    self._missed(wanted, str(error), "missed_disk")
            if is_done:
                wanted.held.close()
                self._wanted.remove(wanted)

    def close(self) -> None:
        """Leave what is not cut yet: the events come again."""
        for wanted in self._wanted:
            wanted.held.close()
        self._wanted.clear()

    def _is_wanted(self, event: EventChanged) -> bool:
        if not (gets_clip(event) and is_event_id(event.event_id)):
            return False
        if any(event.event_id == wanted.event_id for wanted in self._wanted):
            return False
        try:
            # a camera without recordings here is another disk's, or is not recorded
            return has_recordings(self._root, event.camera) and self._clips.path(event.event_id) is None
        except OSError as error:
            raise RetryableError(f"{self._root} cannot be read: {error}") from error

    def _is_due(self, wanted: _Wanted) -> bool:
        now_us = epoch_us(self._clock.now())
        if now_us < wanted.times.to_us:
            return False
        until_us = recorded_until_us(self._root, wanted.camera)
        return (until_us is not None and until_us >= wanted.times.to_us) or now_us >= wanted.times.to_us + _PATIENCE_US

    def _cut(self, wanted: _Wanted) -> bool:
        times = wanted.times
        try:
            cut = cut_of(self._root, wanted.camera, times.from_us, times.to_us, times.moment_us)
        except NotRecordedError as error:
            self._missed(wanted, str(error), "missed_footage")
            return True
        if self._room(cut.size_bytes) is Room.NONE:
            raise RetryableError("there is no room for a clip, and no recordings that may go")
        self._clips.keep(wanted.event_id, cut, times.moment_us)
        metrics.CLIPS.labels("cut").inc()
        _LOG.info("clip_cut", camera=wanted.camera, event_id=wanted.event_id)
        return True

    def _room(self, size_bytes: int) -> Room:
        try:
            return self._ring.make_room(size_bytes, in_ring=False)
        except OSError as error:
            raise RetryableError(f"{self._root} cannot be written: {error}") from error

    def _missed(self, wanted: _Wanted, why: str, result: str) -> None:
        metrics.CLIPS.labels(result).inc()
        _LOG.warning("clip_missed", camera=wanted.camera, event_id=wanted.event_id, why=why)
