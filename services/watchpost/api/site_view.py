"""Shows the api what the site is and does, from memory, as its topics told so far.

view.cameras()["door"].source
async with view.subscribe("door") as seen:
    record = (await seen.get()).record
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

from watchpost.api.kept import KeptEvents, KeptThumbnails
from watchpost.api.overload import Overload
from watchpost.api.presence import NOTHING_KNOWN, Presence, Presences
from watchpost.api.subscriptions import Seen, Subscription, Subscriptions
from watchpost.api.window import is_analysed
from watchpost.clock import Clock
from watchpost.contracts.records import CameraId, CameraSpec, EventChanged, FrameAnalyzed, ThumbnailTaken

__all__ = ["Arrival", "SiteView", "SpecArrived"]

_MOST_EVENTS = 10_000
_MOST_THUMBNAIL_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class SpecArrived:
    """A camera's spec as its topic told it at `at`; None: the camera was removed."""

    camera: CameraId
    spec: CameraSpec | None
    at: datetime


Arrival = Seen | SpecArrived


@dataclass(frozen=True, slots=True)
class _Known:
    spec: CameraSpec
    source_since: datetime


class SiteView:
    """The site as its topics told it. Everything here happens inside the event loop: nothing blocks, nothing locks.

    Args:
        clock: tells which cameras have expired.
        most_events, most_thumbnail_bytes: what is kept at most.
    """

    def __init__(
        self, clock: Clock, most_events: int = _MOST_EVENTS, most_thumbnail_bytes: int = _MOST_THUMBNAIL_BYTES
    ) -> None:
        self._clock = clock
        self._specs: dict[CameraId, _Known] = {}
        self._frames: dict[CameraId, FrameAnalyzed] = {}
        self._presences = Presences()
        self._overload = Overload()
        self._events = KeptEvents(most_events)
        self._thumbnails = KeptThumbnails(most_thumbnail_bytes)
        self._subscriptions = Subscriptions()
        self._waiting: set[asyncio.Event] = set()

    def cameras(self) -> Mapping[CameraId, CameraSpec]:
        """The cameras that the site has now; those that have expired are none."""
        now = self._clock.now()
        return {camera: known.spec for camera, known in sorted(self._specs.items()) if not _is_over(known.spec, now)}

    def expired(self) -> list[CameraSpec]:
        """The specs that are over and still stand on their topic."""
        now = self._clock.now()
        return [known.spec for known in self._specs.values() if _is_over(known.spec, now)]

    def presence(self, camera: CameraId) -> Presence:
        """Whether `camera` delivers pictures."""
        known = self._specs.get(camera)
        return NOTHING_KNOWN if known is None else self._presences.of(camera, known.source_since)

    def overloaded(self) -> EventChanged | None:
        """The newest event that says of one of `cameras()` that its frames are shed; None while the site keeps up."""
        return self._overload.of(self.cameras().keys(), self._clock.now())

    def latest_frame(self, camera: CameraId) -> FrameAnalyzed | None:
        """The newest analysed frame of one of `cameras()`."""
        return self._frames.get(camera)

    def recent_events(
        self, camera: CameraId | None, since: datetime | None, limit: int, event_type: str | None = None
    ) -> list[EventChanged]:
        """At most `limit` events, the newest first, each in its highest revision.

        Args:
            camera: of this one, or of all.
            since: no older ones.
            limit: how many.
            event_type: of this type, or of all.
        """
        return self._events.newest(camera, since, limit, event_type)

    def event(self, event_id: str) -> EventChanged | None:
        """The highest revision of an event, if it is among those kept."""
        return self._events.get(event_id)

    def latest_thumbnail(self, camera: CameraId) -> ThumbnailTaken | None:
        """The newest thumbnail of a camera."""
        return self._thumbnails.newest_of(camera)

    def thumbnail(self, thumbnail_id: str) -> ThumbnailTaken | None:
        """A thumbnail, if it is among those kept."""
        return self._thumbnails.get(thumbnail_id)

    def subscribe(self, camera: CameraId | None) -> AbstractAsyncContextManager[Subscription]:
        """A queue of the records of `camera` (None: of all) that arrive while the block runs."""
        return self._subscriptions.subscribe(camera)

    async def until(self, is_so: Callable[[], bool], within_s: float) -> bool:
        """Wait until `is_so`, asked again whenever a spec arrives; False when it was not in time."""
        arrived = asyncio.Event()
        self._waiting.add(arrived)
        try:
            async with asyncio.timeout(within_s):
                while not is_so():
                    arrived.clear()
                    await arrived.wait()
        except TimeoutError:
            return is_so()
        finally:
            self._waiting.discard(arrived)
        return True

    def take(self, arrivals: Sequence[Arrival]) -> None:
        """What the topics told, in order."""
        specs_arrived = False
        for arrival in arrivals:
            match arrival:
                case SpecArrived():
                    self._take_spec(arrival)
                    specs_arrived = True
                case Seen():
                    self._take_record(arrival)
                case _:
                    assert_never(arrival)
        if specs_arrived:
            for arrived in self._waiting:
                arrived.set()

    def _take_spec(self, arrived: SpecArrived) -> None:
        if arrived.spec is None:
            self._specs.pop(arrived.camera, None)
            self._frames.pop(arrived.camera, None)
            self._presences.forget(arrived.camera)
            self._overload.forget(arrived.camera)
            return
        known = self._specs.get(arrived.camera)
        same = known is not None and _opened(known.spec) == _opened(arrived.spec)
        source_since = known.source_since if known is not None and same else arrived.at
        if not same:
            self._frames.pop(arrived.camera, None)  # it shows another place
        self._specs[arrived.camera] = _Known(arrived.spec, source_since)

    def _take_record(self, seen: Seen) -> None:
        match seen.record:
            case EventChanged() as event:
                self._events.take(event)
                self._presences.take_event(event)
                self._overload.take_event(event)
            case ThumbnailTaken() as thumbnail:
                self._thumbnails.take(thumbnail)
            case FrameAnalyzed() as frame:
                self._presences.take_frame(frame)
                self._overload.take_frame(frame)  # its spec lies on another topic, and may be told later
                if frame.camera in self._specs and is_analysed(frame):
                    self._frames[frame.camera] = frame
            case _ as other:
                assert_never(other)
        self._subscriptions.offer(seen)


def _is_over(spec: CameraSpec, now: datetime) -> bool:
    return spec.expires_at is not None and spec.expires_at <= now


def _opened(spec: CameraSpec) -> tuple[str, str | None]:
    """What its pictures come from: the substream where it has one."""
    return spec.substream or spec.source, spec.secret_ref
