"""Reads one camera in a thread of its own, so that what goes wrong with it goes wrong with it alone."""

import contextvars
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import structlog

from watchpost.clock import Clock
from watchpost.contracts.records import (
    CameraSpec,
    Command,
    EventChanged,
    EventType,
    FrameCaptured,
    SiteId,
)
from watchpost.errors import SourceError
from watchpost.frames import FrameStore
from watchpost.ingest.arrivals import Arrivals
from watchpost.ingest.connections import Connections
from watchpost.ingest.decode_choice import Choice
from watchpost.ingest.decode_path import DecodePath
from watchpost.ingest.decoder_fallbacks import Fallback
from watchpost.ingest.health_events import presence_event
from watchpost.ingest.learning_places import LearningPlaces
from watchpost.ingest.main_stream import MainStream
from watchpost.ingest.obscured import ObscuredTurn
from watchpost.ingest.obscured_events import ObscuredEvents
from watchpost.ingest.packets import DecodedPicture, Source, Stamp
from watchpost.ingest.past import PastPictures
from watchpost.ingest.past_frames import PastFrames
from watchpost.ingest.presence import Presence, Turn
from watchpost.ingest.publishing import Capture, FramePublisher
from watchpost.ingest.rest import Rest
from watchpost.ingest.sources import analysed
from watchpost.ingest.watching import PictureWatch
from watchpost.ingest.wishes import Wishes
from watchpost.recordings import CameraRecording
from watchpost.settings import IngestSettings
from watchpost.telemetry import metrics

__all__ = ["CameraWorker", "Surroundings"]

_LOG = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What every worker of a site shares. `send` and `tell` are called from the workers' threads."""

    site: SiteId
    ingest: IngestSettings
    clock: Clock
    store: FrameStore
    send: Callable[[FrameCaptured], None]
    tell: Callable[[EventChanged], None]
    obscured: ObscuredEvents
    pasts: PastPictures
    places: LearningPlaces
    record: Callable[[CameraSpec], CameraRecording]


class CameraWorker:
    """One camera from its source to Kafka, reconnecting until it is stopped.

    worker = CameraWorker(spec, surroundings)
    worker.start()
    worker.check()            # every second, from the service's loop
    worker.stop(); worker.join(2.0)
    """

    def __init__(self, spec: CameraSpec, around: Surroundings) -> None:
        self._spec = spec
        self._around = around
        self._session = secrets.token_hex(4)
        self._stop = threading.Event()
        self._recording = around.record(analysed(spec))
        self._main = MainStream(around.ingest, around.clock, around.record)
        self._presence = Presence(around.ingest.offline_after_s, time.monotonic())
        self._wishes = Wishes(follow_tracks=around.ingest.follow_tracks)
        self._watch = PictureWatch(around.ingest, self._wishes, around.obscured.watch_for(spec))
        self._arrivals = Arrivals(around.clock)
        self._rest = Rest()
        self._path = DecodePath(spec.camera, around.ingest, self._wishes, around.places, spec.decoder)
        self._bytes_read = metrics.SOURCE_BYTES.labels(spec.camera)
        self._decoded = metrics.FRAMES_DECODED.labels(spec.camera)
        self._own_bytes = 0
        self._publisher = self._new_publisher("")
        self._past = PastFrames(around.pasts, around.store, self._new_publisher, self._stop)
        # a daemon: a call into libav cannot be interrupted, and must not hold up the end of the process
        context = contextvars.copy_context()  # what every log line of the service says
        self._thread = threading.Thread(
            target=context.run, args=(self._run,), name=f"camera-{spec.camera}", daemon=True
        )
        self._log = _LOG.bind(camera=spec.camera, session=self._session)
        self._connections = Connections(around.ingest, self._stop, self._log, "camera")

    @property
    def spec(self) -> CameraSpec:
        """What the camera is read by now."""
        return self._spec

    @property
    def online(self) -> bool:
        """Whether it delivers pictures."""
        return self._presence.online

    @property
    def choice(self) -> Choice:
        """How much of it is decoded, and why."""
        return self._path.choice

    @property
    def fallback(self) -> Fallback | None:
        """Why software decodes it where hardware was asked for."""
        return self._path.fallback

    @property
    def main_lost(self) -> SourceError | None:
        """Why its main stream is not recorded beside the substream, though it should be."""
        return self._main.lost

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()
        self._main.fit(self._spec)

    def update(self, spec: CameraSpec) -> None:
        """Go on with other rates, cuts or tasks. What `analysed` reads must be the same: else it needs a new worker."""
        self._spec = spec
        self._recording.update(analysed(spec))
        self._main.fit(spec)

    def ask(self, command: Command) -> None:
        """Take in a command."""
        self._wishes.add(command)
        self._rest.end()

    def check(self) -> None:
        """Tell if the camera has been silent for too long."""
        self._tell(self._presence.check(time.monotonic()))

    def stop(self) -> None:
        """End soon: at once where it waits, else after the packet or the timeout. Nothing is published after this."""
        self._stop.set()
        self._rest.end()
        self._main.stop()

    def join(self, timeout_s: float) -> None:
        """Wait for the end of a stopped worker."""
        deadline_s = time.monotonic() + timeout_s
        self._thread.join(timeout_s)
        self._main.join(max(0.0, deadline_s - time.monotonic()))

    def _run(self) -> None:
        try:
            self._connections.run(lambda: analysed(self._spec), self._read, self._failed)
        finally:
            self._recording.close()

    def _failed(self, why: SourceError, is_over: bool) -> None:  # noqa: FBT001  (as `Connections.run` calls it)
        metrics.CAMERA_RECONNECTS.labels(self._spec.camera, why.reason).inc()
        self._tell(self._presence.failed(why, time.monotonic(), final=is_over))

    def _read(self, source: Source) -> None:
        self._watch.reconnected()
        self._arrivals.reconnected()
        self._path.reconnected()
        try:
            self._read_packets(source)
        finally:
            self._path.disconnected()
            self._recording.reconnected()  # what came is written now, not when the camera is back

    def _read_packets(self, source: Source) -> None:
        patience = _Patience(self._presence, 2 * self._around.ingest.offline_after_s)
        for coded in source.packets:
            if self._stop.is_set():
                return
            self._bytes_read.inc(coded.size_bytes)
            if not self._main.delivers:
                self._own_bytes += coded.size_bytes
            stamp = self._arrivals.stamp(coded)
            self._recording.take(coded, stamp.captured_us)
            for outcome in self._path.outcomes(coded, stamp):
                if isinstance(outcome, SourceError):
                    patience.without_picture(outcome)
                else:
                    patience.picture()
                    self._take(outcome, outcome.stamp or stamp)
            past = self._path.past(coded, stamp)
            if past is not None:
                self._past.publish(self._spec, past, self._stream_bytes)
            self._rest.after(stamp, self._path.may_rest_us)

    def _take(self, picture: DecodedPicture, stamp: Stamp) -> None:
        spec = self._spec
        self._connections.delivered()
        self._decoded.inc()
        why_not = self._watch.why_not_live(spec, picture, stamp)
        if why_not is not None:
            self._presence.note(why_not)
            return
        self._tell(self._presence.picture(time.monotonic()))
        capture = self._watch.capture(spec, picture, stamp.captured_us)
        self._path.looked(self._watch.looked_us, moving=self._watch.moving)
        self._tell_obscured(self._watch.obscured_turn())
        if capture is not None and not self._stop.is_set():
            self._publish(spec, capture)

    def _publish(self, spec: CameraSpec, capture: Capture) -> None:
        if self._publisher.publish(spec, capture, self._stream_bytes):
            self._watch.published()
            self._past.published(capture.captured_us)

    @property
    def _stream_bytes(self) -> int:
        """What the camera's stream cost so far: its main one's, as far as that is read."""
        return self._own_bytes + self._main.read_bytes

    def _new_publisher(self, name: str) -> FramePublisher:
        around, ttl = self._around, timedelta(seconds=self._around.ingest.frame_ttl_s)
        return FramePublisher(around.site, self._session + name, around.store, around.send, ttl)

    def _tell(self, turn: Turn | None) -> None:
        if turn is None or self._stop.is_set():
            return
        online = turn.kind is EventType.CAMERA_ONLINE
        self._connections.log_again()
        metrics.CAMERA_ONLINE.labels(self._spec.camera).set(online)
        self._log.info(turn.kind, reason=turn.reason, silent_s=round(turn.silent_s, 1))
        self._around.tell(presence_event(turn, self._around.site, self._spec, self._session, self._around.clock.now()))

    def _tell_obscured(self, turn: ObscuredTurn | None) -> None:
        if turn is None or self._stop.is_set():
            return
        self._log.warning("camera_obscured", obscured=turn.obscured, detail=turn.detail, kept=round(turn.kept, 2))
        self._around.obscured.turned(turn, self._spec, self._session)


class _Patience:
    """Gives a connection up that has been open for `limit_s` without any picture, and says why there was none."""

    def __init__(self, presence: Presence, limit_s: float) -> None:
        self._presence = presence
        self._limit_s = limit_s
        self._since_s = time.monotonic()

    def picture(self) -> None:
        self._since_s = time.monotonic()

    def without_picture(self, why: SourceError) -> None:
        self._presence.note(why)
        if time.monotonic() - self._since_s > self._limit_s:
            raise why
