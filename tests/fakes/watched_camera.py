"""One ingest worker without Kafka, for tests: what it publishes and tells lies in lists."""

import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from watchpost.clock import SystemClock
from watchpost.contracts.records import CameraSpec, EventChanged, FrameCaptured, SiteId
from watchpost.frames import FrameStore
from watchpost.ingest.camera_worker import CameraWorker, Surroundings
from watchpost.ingest.learning_places import LearningPlaces
from watchpost.ingest.obscured_events import ObscuredEvents
from watchpost.ingest.past import PastPictures
from watchpost.recordings import CameraRecording
from watchpost.settings import FrameSettings, IngestSettings

__all__ = ["WatchedCamera"]

_CHECK_EVERY_S = 0.2


class WatchedCamera:
    """A worker, and the loop that looks after it as the service's does.

    Example:
        with WatchedCamera(camera_spec(source=camera.url), tmp_path) as watched:
            wait_for(lambda: watched.told, lambda told: "camera_online" in told)

    """

    def __init__(
        self,
        spec: CameraSpec,
        folder: Path,
        *,
        settings: IngestSettings | None = None,
        store: FrameStore | None = None,
        places: LearningPlaces | None = None,
        record: Callable[[CameraSpec], CameraRecording] = CameraRecording,
    ) -> None:
        clock = SystemClock()
        self.store = store or FrameStore(FrameSettings(url=f"file://{folder / 'frames'}"), clock)
        self.frames: list[FrameCaptured] = []
        self.events: list[EventChanged] = []
        self.settings = settings or IngestSettings(open_timeout_s=3, offline_after_s=3)
        around = Surroundings(
            SiteId("shop"),
            self.settings,
            clock,
            self.store,
            self.frames.append,
            self.events.append,
            ObscuredEvents(SiteId("shop"), clock, lambda event, _: self.events.append(event)),
            PastPictures(),
            places or LearningPlaces(),
            record,
        )
        self.worker = CameraWorker(spec, around)
        self._ended = threading.Event()
        self._checks = threading.Thread(target=self._look_after, daemon=True)

    @property
    def told(self) -> list[str]:
        """The types of the events so far."""
        return [event.type for event in self.events]

    def __enter__(self) -> Self:
        self.worker.start()
        self._checks.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._ended.set()
        self.worker.stop()
        self.worker.join(10)
        self._checks.join()

    def _look_after(self) -> None:
        while not self._ended.wait(_CHECK_EVERY_S):
            self.worker.check()
