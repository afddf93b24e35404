"""Decides, camera by camera, when its analysis counts as degraded and when it is well again: one event a spell.

An event opens, `confirmed`, when for 5 s on end most of the camera's latest frames were not looked at, or a fall-back
was in use. It is revised once for each further cause, and `ended` when for 30 s there was nothing of the kind, or no
frame at all: `camera_offline` says that. In between nothing is told, so that what is on the brink does not flap.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count

from watchpost.contracts.identity import health_event_id
from watchpost.contracts.records import CameraId, EventChanged, EventType, FrameAnalyzed, SiteId
from watchpost.inference.degraded_events import (
    Cause,
    Standing,
    cause_in,
    detail_of,
    detail_of_wedge,
    ended,
    opened,
    revised,
)
from watchpost.inference.recent_frames import RecentFrames, Shares

__all__ = ["Degradation"]

_OPENS_ABOVE = 0.5
_CALM_BELOW = 0.2
_OPENS_AFTER_S = 5.0
_ENDS_AFTER_S = 30.0
_FORGOTTEN_AFTER_S = 120.0


@dataclass(slots=True)
class _Camera:
    recent: RecentFrames = field(default_factory=RecentFrames)
    has_news: bool = False
    heard_s: float | None = None
    bad_since_s: float | None = None
    troubled_s: float | None = None
    event: EventChanged | None = None
    told: set[Cause] = field(default_factory=set)


class Degradation:
    """The cameras of one worker, and the events that are open of them. Reads no clock; not for several threads.

    Args:
        site: whose cameras they are.
        session: this life of the worker: the ids of its events are its own.
        left_open: what a predecessor had open: told on under the same ids, and ended here.

    """

    def __init__(self, site: SiteId, session: str, left_open: Iterable[EventChanged] = ()) -> None:
        self._site, self._session, self._numbers = site, session, count(1)
        self._cameras: dict[CameraId, _Camera] = {}
        for event in left_open:
            told = {cause for cause in Cause if cause == cause_in(event)}
            self._cameras[event.camera] = _Camera(event=event, told=told)

    @property
    def open_events(self) -> tuple[EventChanged, ...]:
        """The latest revision of each event that has not ended."""
        return tuple(camera.event for camera in self._cameras.values() if camera.event is not None)

    def answered(self, frame: FrameAnalyzed) -> None:
        """A frame was answered, with what it shows or with why nobody looked."""
        camera = self._cameras.setdefault(frame.camera, _Camera())
        camera.has_news |= camera.recent.take(frame)

    def check(self, standing: Standing) -> list[EventChanged]:
        """What is to be told now, as revisions of events; to be asked about every second."""
        told: list[EventChanged] = []
        for name, camera in list(self._cameras.items()):
            if camera.heard_s is None or camera.has_news:
                camera.heard_s = standing.now_s
            if camera.troubled_s is None:
                camera.troubled_s = standing.now_s
            event = self._judged(name, camera, standing) if camera.has_news else None
            camera.has_news = False
            event = event or _ended(camera, standing)
            if event is not None:
                told.append(event)
            elif camera.event is None and standing.now_s - camera.heard_s >= _FORGOTTEN_AFTER_S:
                del self._cameras[name]
        return told

    def wedged(self, cameras: Collection[CameraId], after_s: float, standing: Standing) -> list[EventChanged]:
        """What is to be told when the analyzer has hung for `after_s` over frames of these cameras: the worker ends.

        It concerns every camera that the worker has: each waits until a successor looks at it.
        """
        detail, since = detail_of_wedge(after_s), standing.at - timedelta(seconds=after_s)
        return [
            self._told(name, self._cameras.setdefault(name, _Camera()), Cause.WEDGE, detail, standing, since)
            for name in sorted({*cameras, *self._cameras})
        ]

    def _judged(self, name: CameraId, camera: _Camera, standing: Standing) -> EventChanged | None:
        shares = camera.recent.shares()
        unseen = shares.unseen if shares else 0.0
        cause = _cause_of(shares, standing)
        if cause is not None or unseen > _CALM_BELOW:
            camera.troubled_s = standing.now_s
        if cause is None:
            camera.bad_since_s = None
            return None
        if camera.bad_since_s is None:
            camera.bad_since_s = standing.now_s
        held_s = standing.now_s - camera.bad_since_s
        if cause in camera.told or held_s < _OPENS_AFTER_S:
            return None
        since = standing.at - timedelta(seconds=held_s)
        return self._told(name, camera, cause, detail_of(cause, shares, standing), standing, since)

    def _told(
        self, name: CameraId, camera: _Camera, cause: Cause, detail: str, standing: Standing, since: datetime
    ) -> EventChanged:
        camera.told.add(cause)
        if camera.event is None:
            number = next(self._numbers)
            event_id = health_event_id(self._site, name, EventType.ANALYSIS_DEGRADED, self._session, number)
            camera.event = opened(event_id, self._site, name, detail, standing, since)
        else:
            camera.event = revised(camera.event, detail, standing)
        return camera.event


def _ended(camera: _Camera, standing: Standing) -> EventChanged | None:
    event, troubled_s, heard_s = camera.event, camera.troubled_s, camera.heard_s
    if event is None or troubled_s is None or heard_s is None or standing.now_s - troubled_s < _ENDS_AFTER_S:
        return None
    camera.event, camera.told, camera.bad_since_s = None, set(), None
    silent_s = standing.now_s - heard_s
    return ended(event, standing, silent_s if silent_s >= _ENDS_AFTER_S else None)


def _cause_of(shares: Shares | None, standing: Standing) -> Cause | None:
    if shares is not None and shares.unseen > _OPENS_ABOVE:
        return Cause.FAILURE if shares.failed > shares.shed else Cause.OVERLOAD
    return None if standing.degraded is None else Cause.FALLBACK
