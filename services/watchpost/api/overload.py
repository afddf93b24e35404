"""Knows from the site's records whether its analysis keeps up: with one camera more all would be looked at less."""

from collections.abc import Collection
from datetime import datetime, timedelta

from watchpost.contracts.records import CameraId, EventChanged, EventPhase, EventType, FrameAnalyzed, SkipReason

__all__ = ["Overload", "overload_detail"]

# an event stays open for half a minute after the last trouble, and for ever where its worker died with its disk
_STILL_SO = timedelta(seconds=30)
_SHED = frozenset({SkipReason.OVERLOAD, SkipReason.EXPIRED})
_CAUSE = "overload: "


class Overload:
    """Which cameras' frames are shed. To be used inside the event loop alone."""

    def __init__(self) -> None:
        self._told: dict[CameraId, EventChanged] = {}
        self._shed_at: dict[CameraId, datetime] = {}

    def take_event(self, event: EventChanged) -> None:
        """An event; others than `analysis_degraded` say nothing here."""
        if event.type != EventType.ANALYSIS_DEGRADED:
            return
        known = self._told.get(event.camera)
        if event.phase is EventPhase.CONFIRMED:
            self._told[event.camera] = event
        elif known is not None and known.event_id == event.event_id:
            del self._told[event.camera]

    def take_frame(self, frame: FrameAnalyzed) -> None:
        """An answered frame."""
        if frame.skipped in _SHED:
            self._shed_at[frame.camera] = frame.analyzed_at

    def forget(self, camera: CameraId) -> None:
        """The camera is removed."""
        self._told.pop(camera, None)
        self._shed_at.pop(camera, None)

    def of(self, cameras: Collection[CameraId], now: datetime) -> EventChanged | None:
        """The newest event that says that one of these is overloaded, while its frames are still shed."""
        # also of cameras that are gone: their last frames may be told after that
        self._shed_at = {camera: at for camera, at in self._shed_at.items() if now - at <= _STILL_SO}
        events = [self._told[camera] for camera in cameras if camera in self._told and camera in self._shed_at]
        overloaded = [event for event in events if overload_detail(event) is not None]
        return max(overloaded, key=lambda event: event.at, default=None)


def overload_detail(event: EventChanged) -> str | None:
    """What an event of degraded analysis says of an overload, with its figures; None where it names another cause."""
    detail = event.detail or ""
    return detail.removeprefix(_CAUSE) if detail.startswith(_CAUSE) else None
