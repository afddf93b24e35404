"""Keeps what an ingest process records: the recorder and the clips of events, as the site's settings have them.

footage = Footage(settings, client, clock, outlet.tell_lasting, lasting.left, on_failure=service.stop.set)
footage.start()
recording = footage.for_camera(spec)      # then from the camera's thread: recording.take(coded, captured_us)
footage.check()                           # every second, from the service's loop
footage.close(1.0)                        # after the cameras' threads have ended
"""

import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from watchpost.clock import Clock
from watchpost.contracts.records import CameraSpec, EventChanged, SiteId
from watchpost.ingest.clips import ClipCutter
from watchpost.ingest.storage_events import StorageEvents
from watchpost.recordings import CameraRecording, Recorder, bounds_of
from watchpost.settings import Scope, SiteSettings, version_of

__all__ = ["Footage"]


class Footage:
    """What a process records, below `recordings.path`. A site that records nothing touches no disk.

    Args:
        settings: the site's.
        client: `client_config(…)` of the site's Kafka.
        clock: the site's.
        tell: takes `storage_low`, from any thread.
        left: events of the process before.
        on_failure: called when clips can be cut no more; `close` raises why.
    """

    def __init__(
        self,
        settings: SiteSettings,
        client: Mapping[str, Any],
        clock: Clock,
        tell: Callable[[EventChanged], None],
        left: Iterable[EventChanged],
        on_failure: Callable[[], object],
    ) -> None:
        version = version_of(settings, Scope.INGEST)
        storage = StorageEvents(SiteId(settings.site.name), secrets.token_hex(4), version, clock, tell, left)
        root = settings.recordings.folder(settings.state_dir)
        self._recorder = Recorder(root, bounds_of(settings.recordings), clock, storage.turned, was_low=storage.are_open)
        self._cutter = ClipCutter(settings, client, self._recorder.ring, clock, on_failure)

    def start(self) -> None:
        """Begin."""
        self._recorder.start()
        self._cutter.start()

    def for_camera(self, spec: CameraSpec) -> CameraRecording:
        """A camera's end of the recorder; it records what `may_record` allows."""
        return self._recorder.for_camera(spec)

    def check(self) -> None:
        """Tell if the disk has not answered for long."""
        self._recorder.check()

    def close(self, within_s: float) -> None:
        """Write what was taken, as far as the disk does it in this time. Raises what ended the cutting of clips."""
        deadline_s = time.monotonic() + within_s
        self._recorder.close(within_s)
        self._cutter.stop(max(0.0, deadline_s - time.monotonic()))
        if self._cutter.failure is not None:
            raise self._cutter.failure
