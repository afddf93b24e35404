"""Hands the site's records to those who wait for them, without letting a slow one hold up the others."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from watchpost.contracts.records import CameraId, EventChanged, FrameAnalyzed, ThumbnailTaken

__all__ = ["Seen", "SiteRecord", "Subscription", "Subscriptions"]

SiteRecord = FrameAnalyzed | EventChanged | ThumbnailTaken
_MOST_WAITING = 1000


@dataclass(frozen=True, slots=True)
class Seen:
    """A record of the site, and how many bytes its value has in Kafka."""

    record: SiteRecord
    value_bytes: int


class Subscription(asyncio.Queue[Seen]):
    """What came since the subscription began, oldest first. Who reads too slowly loses the oldest: `lost_records`."""

    def __init__(self, most_waiting: int = _MOST_WAITING) -> None:
        super().__init__(most_waiting)
        self.lost_records = 0

    def offer(self, seen: Seen) -> None:
        """Put `seen` at the end, in place of the oldest where there is no room."""
        if self.full():
            self.get_nowait()
            self.lost_records += 1
        self.put_nowait(seen)


class Subscriptions:
    """Who waits for which camera's records. To be used inside the event loop alone."""

    def __init__(self) -> None:
        self._of: dict[CameraId | None, set[Subscription]] = {}

    @asynccontextmanager
    async def subscribe(self, camera: CameraId | None) -> AsyncIterator[Subscription]:
        """The records of `camera` (None: of all) from now on, while the block runs."""
        subscription = Subscription()
        self._of.setdefault(camera, set()).add(subscription)
        try:
            yield subscription
        finally:
            self._of[camera].discard(subscription)
            if not self._of[camera]:
                del self._of[camera]

    def offer(self, seen: Seen) -> None:
        """Hand `seen` to everybody who waits for it."""
        for camera in (seen.record.camera, None):
            for subscription in self._of.get(camera, ()):
                subscription.offer(seen)
