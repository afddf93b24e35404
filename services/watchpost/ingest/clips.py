"""Cuts the clips of confirmed events, once the time after them is recorded, and only then lets the events go.

cutter = ClipCutter(settings, client, recorder.ring, clock, on_failure=service.stop.set)
cutter.start()
…
cutter.stop(1.0)
"""

import contextvars
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import structlog

from watchpost.clock import Clock
from watchpost.contracts import TopicName
from watchpost.contracts.records import EventChanged
from watchpost.errors import RetryableError
from watchpost.ingest.clip_queue import ClipQueue
from watchpost.recordings import Clips, Ring, folder_id
from watchpost.settings import SiteSettings
from watchpost.stream import DeadLetters, Received, RecordConsumer, RecordProducer

__all__ = ["ClipCutter"]

_LOG = structlog.get_logger()
_AT_ONCE = 100
_RETRY_S = 1.0
_SWEEP_EVERY_S = 60.0


class ClipCutter:
    """Reads the site's events in a thread of its own and cuts their clips; `failure` is set when an error ended it.

    Each disk of recordings is a consumer group: processes that share one share the work, and each disk gets the clips
    of what lies on it. Events are committed when their clips are on the disk.

    Args:
        settings: the site's.
        client: `client_config(…)` of the site's Kafka.
        ring: the recorder's.
        clock: the site's.
        on_failure: called at the end of a thread that an error ended.
    """

    def __init__(
        self,
        settings: SiteSettings,
        client: Mapping[str, Any],
        ring: Ring,
        clock: Clock,
        on_failure: Callable[[], object],
    ) -> None:
        self._settings, self._client, self._on_failure = settings, client, on_failure
        self._root = settings.recordings.folder(settings.state_dir)
        self._clips = Clips(self._root, settings.recordings.clips, clock)
        self._queue = ClipQueue(settings, self._clips, ring, clock)
        self._stop = threading.Event()
        self._swept_s = float("-inf")
        context = contextvars.copy_context()  # what every log line of the service says
        # a daemon: a disk that hangs must not hold up the end of the process
        self._thread = threading.Thread(target=context.run, args=(self._run,), name="clips", daemon=True)
        self.failure: Exception | None = None

    def start(self) -> None:
        """Begin as soon as anything is recorded."""
        self._thread.start()

    def stop(self, within_s: float) -> None:
        """End; events whose clips are not cut yet come again."""
        self._stop.set()
        self._thread.join(within_s)

    def _run(self) -> None:
        try:
            group = self._group()
            if group is not None:
                with self._consumer(group) as events:
                    while not self._stop.is_set():
                        self._turn(events)
        except Exception as error:  # noqa: BLE001  (whatever it is: clips must not end unseen)
            self.failure = error
            self._on_failure()
        finally:
            self._queue.close()

    def _group(self) -> str | None:
        """The group of this disk, once something lies on it; None: the service ends."""
        while not self._stop.is_set():
            try:
                if (self._root / "cameras").is_dir():
                    return f"{self._settings.ingest.group}-clips-{folder_id(self._root)}"
            except OSError as error:
                _LOG.warning("clips_wait", why=str(error))
            self._stop.wait(_RETRY_S)
        return None

    def _consumer(self, group: str) -> RecordConsumer[EventChanged]:
        return RecordConsumer[EventChanged](
            self._client,
            group=group,
            topics={TopicName.EVENTS.value: EventChanged},
            dead_letters=DeadLetters(RecordProducer(self._client), "ingest"),
        )

    def _turn(self, events: RecordConsumer[EventChanged]) -> None:
        try:
            taken = events.take(_AT_ONCE, wait_ms=0)
            if not all(self._taken(received) for received in taken):
                return
            self._queue.cut_due()
            events.commit(unanswered=self._queue.waiting)
        except RetryableError as error:
            _LOG.warning("clips_wait", why=str(error))
            self._stop.wait(_RETRY_S)
        self._sweep()

    def _taken(self, received: Received[EventChanged]) -> bool:
        """Wait for a disk that does not answer; False: the service ended before, and the event is to come again."""
        while not self._stop.is_set():
            try:
                self._queue.take(received)
            except RetryableError as error:
                _LOG.warning("clips_wait", why=str(error))
                self._stop.wait(_RETRY_S)
            else:
                return True
        return False

    def _sweep(self) -> None:
        if time.monotonic() - self._swept_s < _SWEEP_EVERY_S:
            return
        self._swept_s = time.monotonic()
        try:
            self._clips.sweep()
        except OSError as error:
            _LOG.warning("clips_not_swept", why=str(error))
