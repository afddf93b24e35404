"""Keeps the newest events and thumbnails at hand, within a bound of memory."""

import heapq
from collections import OrderedDict
from datetime import datetime

from watchpost.contracts.records import CameraId, EventChanged, ThumbnailTaken

__all__ = ["KeptEvents", "KeptThumbnails"]

# beside the JPEG: ids, times and the objects around them
_RECORD_BYTES = 1000


class KeptEvents:
    """The newest events, each in its highest revision.

    Args:
        most: beyond so many the oldest tenth goes.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._events: dict[str, EventChanged] = {}

    def take(self, event: EventChanged) -> None:
        """A revision of an event."""
        known = self._events.get(event.event_id)
        if known is not None and known.revision >= event.revision:
            return
        self._events[event.event_id] = event
        if len(self._events) > self._most:
            for old in heapq.nsmallest(max(1, self._most // 10), self._events.values(), key=_at):
                del self._events[old.event_id]

    def get(self, event_id: str) -> EventChanged | None:
        """The highest revision of an event."""
        return self._events.get(event_id)

    def newest(
        self, camera: CameraId | None, since: datetime | None, limit: int, event_type: str | None
    ) -> list[EventChanged]:
        """The newest events first, of `camera` and of `event_type` where they are given, at `since` or later."""
        chosen = (
            event
            for event in self._events.values()
            if (camera is None or event.camera == camera)
            and (since is None or event.at >= since)
            and (event_type is None or event.type == event_type)
        )
        return heapq.nlargest(limit, chosen, key=_at)


class KeptThumbnails:
    """The newest thumbnails, by id, and which is each camera's newest.

    Args:
        most_bytes: beyond so many those go that came first.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._bytes = 0
        self._thumbnails: OrderedDict[str, ThumbnailTaken] = OrderedDict()
        self._newest: dict[CameraId, ThumbnailTaken] = {}

    def take(self, thumbnail: ThumbnailTaken) -> None:
        """A thumbnail, perhaps again."""
        if thumbnail.thumbnail_id not in self._thumbnails:
            self._thumbnails[thumbnail.thumbnail_id] = thumbnail
            self._bytes += _size_bytes(thumbnail)
        newest = self._newest.get(thumbnail.camera)
        if newest is None or thumbnail.taken_at >= newest.taken_at:
            self._newest[thumbnail.camera] = thumbnail
        while self._bytes > self._most_bytes:
            self._drop_first()

    def get(self, thumbnail_id: str) -> ThumbnailTaken | None:
        """The thumbnail of this id."""
        return self._thumbnails.get(thumbnail_id)

    def newest_of(self, camera: CameraId) -> ThumbnailTaken | None:
        """The newest of a camera."""
        return self._newest.get(camera)

    def _drop_first(self) -> None:
        _, first = self._thumbnails.popitem(last=False)
        self._bytes -= _size_bytes(first)
        if self._newest.get(first.camera) is first:
            del self._newest[first.camera]


def _at(event: EventChanged) -> datetime:
    return event.at


def _size_bytes(thumbnail: ThumbnailTaken) -> int:
    return len(thumbnail.jpeg) + _RECORD_BYTES
