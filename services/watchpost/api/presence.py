"""Remembers of each camera whether it delivers pictures, as its health events and its pictures tell."""

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from watchpost.contracts.records import CameraId, EventChanged, EventType, FrameAnalyzed

__all__ = ["NOTHING_KNOWN", "CameraState", "Presence", "Presences"]

_MOST_CAMERAS = 10_000
# Kafka's clock stamps the spec, ingest's clock the event
_CLOCKS_APART = timedelta(seconds=2)


class CameraState(StrEnum):
    """Whether a camera delivers pictures."""

    ONLINE = "online"
    OFFLINE = "offline"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Presence:
    """What is known of a camera's presence. `reason` of an offline camera begins with its SourceFailure."""

    state: CameraState
    reason: str
    since: datetime | None


NOTHING_KNOWN = Presence(CameraState.UNKNOWN, "no picture and no failure has been told yet", None)


class Presences:
    """The presence of every camera. To be used inside the event loop alone."""

    def __init__(self) -> None:
        self._told: OrderedDict[CameraId, tuple[datetime, Presence]] = OrderedDict()

    def take_event(self, event: EventChanged) -> None:
        """A health event of a camera; others say nothing here."""
        match event.type:
            case EventType.CAMERA_ONLINE:
                told = Presence(CameraState.ONLINE, event.detail or "pictures come", event.at)
            case EventType.CAMERA_OFFLINE:
                told = Presence(CameraState.OFFLINE, event.detail or "unknown", event.at)
            case _:
                return
        self._tell(event.camera, event.at, told)

    def take_frame(self, frame: FrameAnalyzed) -> None:
        """A picture of a camera: it is online, if nothing else is known of it."""
        if frame.camera not in self._told:
            told = Presence(CameraState.ONLINE, "pictures come", frame.captured_at)
            self._tell(frame.camera, frame.captured_at, told)

    def forget(self, camera: CameraId) -> None:
        """The camera is removed."""
        self._told.pop(camera, None)

    def of(self, camera: CameraId, source_since: datetime) -> Presence:
        """What is known of `camera`, which has had its source since `source_since`."""
        at, told = self._told.get(camera, (source_since, NOTHING_KNOWN))
        if at < source_since - _CLOCKS_APART:
            self.forget(camera)  # its next picture counts
            return NOTHING_KNOWN
        return told

    def _tell(self, camera: CameraId, at: datetime, told: Presence) -> None:
        known = self._told.get(camera)
        if known is None or at >= known[0]:
            self._told[camera] = (at, told)
            self._told.move_to_end(camera)
        if len(self._told) > _MOST_CAMERAS:
            self._told.popitem(last=False)
