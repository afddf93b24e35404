"""Makes the events by which ingest tells that a camera is obscured, and goes on with those that others began.

A camera stays obscured whoever reads it: the scene that is gone from its picture is kept with the event, so that the
next worker of the camera, of this process or of the one after it, tells when it is back. Only a process elsewhere, to
which a rebalance gave the camera, cannot: the event then ends, and says that nothing is known.
"""

import threading
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from watchpost import __version__
from watchpost.clock import Clock, from_epoch_us
from watchpost.contracts.health import end_of, health_event
from watchpost.contracts.identity import health_event_id, named
from watchpost.contracts.records import CameraId, CameraSpec, EventChanged, EventPhase, EventType, Provenance, SiteId
from watchpost.ingest.obscured import ObscuredTurn, ObscuredWatch
from watchpost.ingest.scene_memory import scene_in
from watchpost.ingest.sources import analysed
from watchpost.settings import without_login

__all__ = ["ObscuredEvents"]

_UNREAD_FOR_S = 60.0
_OTHER_SOURCE = "the camera has another source, or its scene was not kept: what it usually sees is learned anew"
_UNREAD = (
    f"this process has not read the camera for {_UNREAD_FOR_S:.0f} s: it was removed, or another process reads it; "
    "whether it is still obscured is not known here"
)


@dataclass(frozen=True, slots=True)
class _Open:
    event: EventChanged
    memory: bytes


class ObscuredEvents:
    """The cameras of one process that are obscured. Safe for several threads.

    Args:
        site: the site's name.
        clock: the site's.
        tell: takes an event, and what a successor has to know to go on with it.
        left: events of the process before.
        memories: what that knew of them, by event_id.
    """

    def __init__(
        self,
        site: SiteId,
        clock: Clock,
        tell: Callable[[EventChanged, bytes], None],
        left: Iterable[EventChanged] = (),
        memories: dict[str, bytes] | None = None,
    ) -> None:
        self._site, self._clock, self._tell = site, clock, tell
        self._lock = threading.Lock()
        self._open = {
            event.camera: _Open(event, (memories or {}).get(event.event_id, b""))
            for event in left
            if event.type == EventType.CAMERA_OBSCURED and event.phase is not EventPhase.ENDED
        }
        self._unread_since_s: dict[CameraId, float] = {}

    def watch_for(self, spec: CameraSpec) -> ObscuredWatch:
        """A watch for a camera that begins to be read; one that is obscured waits for the scene that it lost."""
        with self._lock:
            opened = self._open.get(spec.camera)
            scene = None if opened is None else scene_in(opened.memory, _source(spec))
            if opened is not None and scene is None:
                self._end(spec.camera, self._clock.now(), _OTHER_SOURCE)
        return ObscuredWatch(scene)

    def turned(self, turn: ObscuredTurn, spec: CameraSpec, session: str) -> None:
        """Tell of a turn. `session`: the life of the camera's worker."""
        with self._lock:
            if not turn.obscured:
                self._end(spec.camera, from_epoch_us(turn.at_us), turn.detail)
                return
            event = self._begun(turn, spec, session)
            memory = b"" if turn.scene is None else turn.scene.to_bytes(_source(spec))
            self._open[spec.camera] = _Open(event, memory)
            self._tell(event, memory)

    def settle(self, read: Collection[CameraId], now_s: float) -> None:
        """End what is open of cameras that are not read here, where `read` has been all of them for long enough."""
        with self._lock:
            unread = [camera for camera in self._open if camera not in read]
            self._unread_since_s = {camera: self._unread_since_s.get(camera, now_s) for camera in unread}
            for camera in unread:
                if now_s - self._unread_since_s[camera] >= _UNREAD_FOR_S:
                    self._end(camera, self._clock.now(), _UNREAD)

    def _begun(self, turn: ObscuredTurn, spec: CameraSpec, session: str) -> EventChanged:
        kind = EventType.CAMERA_OBSCURED
        return health_event(
            health_event_id(self._site, spec.camera, kind, session, turn.number),
            self._site,
            spec.camera,
            kind,
            opened_at=from_epoch_us(turn.since_us),
            at=from_epoch_us(turn.at_us),
            detail=turn.detail,
            provenance=Provenance("", "", "", "", spec.config_version, __version__),
        )

    def _end(self, camera: CameraId, at: datetime, detail: str) -> None:
        opened = self._open.pop(camera, None)
        if opened is not None:
            self._tell(end_of(opened.event, at, detail), b"")


def _source(spec: CameraSpec) -> str:
    """Names what the camera is read from, and gives nothing of it away."""
    return named("source", without_login(analysed(spec).source))
