"""Reads one camera in a thread of its own, so that what goes wrong with it goes wrong with it alone."""

import contextvars
import random
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import av.error
import structlog

from watchpost.clock import Clock
from watchpost.contracts.records import CameraSpec, Command, EventChanged, EventType, FrameCaptured, SiteId
from watchpost.errors import SourceError, SourceFailure
from watchpost.frames import FrameStore
from watchpost.ingest.health_events import health_event
from watchpost.ingest.packets import DecodedPicture, DecodePolicy, Source, SourceLimits, decode
from watchpost.ingest.presence import Presence, Turn
from watchpost.ingest.publishing import FramePublisher
from watchpost.ingest.sources import open_source
from watchpost.ingest.stream_clock import SteadyTime
from watchpost.ingest.watching import PictureWatch
from watchpost.ingest.wishes import Wishes
from watchpost.settings import IngestSettings, without_login
from watchpost.telemetry import metrics

__all__ = ["CameraWorker", "Surroundings"]

_LOG = structlog.get_logger()
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_READ_TIMEOUT_S = 5.0
_FIRST_RETRY_S, _LAST_RETRY_S = 0.5, 10.0


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What every worker of a site shares. `send` and `tell` are called from the workers' threads."""

    site: SiteId
    ingest: IngestSettings
    clock: Clock
    store: FrameStore
    send: Callable[[FrameCaptured], None]
    tell: Callable[[EventChanged], None]
    policy: DecodePolicy


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
        self._presence = Presence(around.ingest.offline_after_s, time.monotonic())
        self._wishes = Wishes()
        self._watch = PictureWatch(around.ingest, self._wishes)
        self._time = SteadyTime()
        self._logged = ""
        self._pictures = 0
        self._stream_bytes = 0
        ttl = timedelta(seconds=around.ingest.frame_ttl_s)
        self._publisher = FramePublisher(around.site, self._session, around.store, around.send, ttl)
        # a daemon: a call into libav cannot be interrupted, and must not hold up the end of the process
        context = contextvars.copy_context()  # what every log line of the service says
        self._thread = threading.Thread(
            target=context.run, args=(self._run,), name=f"camera-{spec.camera}", daemon=True
        )
        self._log = _LOG.bind(camera=spec.camera, session=self._session)

    @property
    def spec(self) -> CameraSpec:
        """What the camera is read by now."""
        return self._spec

    @property
    def online(self) -> bool:
        """Whether it delivers pictures."""
        return self._presence.online

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def update(self, spec: CameraSpec) -> None:
        """Go on with other rates, cuts or tasks. The source and its secret must be the same: they need a new worker."""
        self._spec = spec

    def ask(self, command: Command) -> None:
        """Take in a command."""
        self._wishes.add(command)

    def check(self) -> None:
        """Tell if the camera has been silent for too long."""
        self._tell(self._presence.check(time.monotonic()))

    def stop(self) -> None:
        """End soon: at once where it waits, else after the packet or the timeout. Nothing is published after this."""
        self._stop.set()

    def join(self, timeout_s: float) -> None:
        """Wait for the end of a stopped worker."""
        self._thread.join(timeout_s)

    def _run(self) -> None:
        failures = 0
        while not self._stop.is_set():
            self._pictures = 0
            why, is_over = self._read()
            if self._stop.is_set():
                return
            metrics.CAMERA_RECONNECTS.labels(self._spec.camera, why.reason).inc()
            self._log_failure(why)
            self._tell(self._presence.failed(why, time.monotonic(), final=is_over))
            if is_over:
                return
            failures = 0 if self._pictures else failures + 1
            self._stop.wait(_retry_in_s(failures))

    def _log_failure(self, why: SourceError) -> None:
        """A camera that stays away is news once, not every ten seconds."""
        log = self._log.debug if str(why) == self._logged else self._log.warning
        self._logged = str(why)
        log("camera_failed", source=without_login(self._spec.source), reason=why.reason, detail=why.detail)

    def _read(self) -> tuple[SourceError, bool]:
        """Read until the source fails; returns why, and whether that was a recording's end."""
        limits = SourceLimits(self._around.ingest.open_timeout_s, _READ_TIMEOUT_S)
        is_live = True
        try:
            with open_source(self._spec, limits, self._stop) as source:
                is_live = source.is_live
                self._watch.reconnected()
                self._read_packets(source)
        except SourceError as why:
            return why, why.reason is SourceFailure.ENDED and not is_live
        except Exception as error:  # noqa: BLE001  (a bug that one camera's pictures meet must not end its thread unseen)
            self._log.exception("camera_worker_failed")
            return SourceError(SourceFailure.UNSUPPORTED, f"unexpected {type(error).__name__}"), False
        return SourceError(SourceFailure.ENDED, "stopped"), True

    def _read_packets(self, source: Source) -> None:
        camera = self._spec.camera
        bytes_read, decoded = metrics.SOURCE_BYTES.labels(camera), metrics.FRAMES_DECODED.labels(camera)
        patience = _Patience(self._presence, 2 * self._around.ingest.offline_after_s)
        needs_keyframe = True
        for coded in source.packets:
            if self._stop.is_set():
                return
            arrival_us = self._now_us()
            bytes_read.inc(coded.size_bytes)
            self._stream_bytes += coded.size_bytes
            if needs_keyframe and not coded.is_keyframe:
                # a decoder that begins between keyframes gives broken pictures without saying so
                patience.without_picture(SourceError(SourceFailure.NO_KEYFRAME, "packets come, but no keyframe"))
                continue
            if not self._around.policy(coded):
                continue
            try:
                pictures = list(decode(coded))
            except av.error.FFmpegError as error:
                needs_keyframe = True
                said = f"its packets cannot be decoded: {error.strerror}"
                patience.without_picture(SourceError(SourceFailure.UNSUPPORTED, said))
                continue
            # what refers to a damaged picture is damaged too, and libav does not say so
            needs_keyframe = any(picture.image.is_corrupt for picture in pictures)
            for picture in pictures:
                patience.picture()
                decoded.inc()
                self._take(picture, arrival_us)

    def _take(self, picture: DecodedPicture, arrival_us: int) -> None:
        spec = self._spec
        self._pictures += 1
        captured_us = self._watch.captured_us(spec, picture, arrival_us)
        if isinstance(captured_us, SourceError):
            self._presence.note(captured_us)
            return
        self._tell(self._presence.picture(time.monotonic()))
        capture = self._watch.capture(spec, picture, captured_us)
        if capture is not None and not self._stop.is_set():
            self._publisher.publish(spec, capture, self._stream_bytes)

    def _now_us(self) -> int:
        wall_us = (self._around.clock.now() - _EPOCH) // _MICROSECOND
        return self._time.at(wall_us, time.monotonic_ns() // 1000)

    def _tell(self, turn: Turn | None) -> None:
        if turn is None or self._stop.is_set():
            return
        online = turn.kind is EventType.CAMERA_ONLINE
        self._logged = ""
        metrics.CAMERA_ONLINE.labels(self._spec.camera).set(online)
        self._log.info(turn.kind, reason=turn.reason, silent_s=round(turn.silent_s, 1))
        self._around.tell(health_event(turn, self._around.site, self._spec, self._session, self._around.clock.now()))


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


def _retry_in_s(failures: int) -> float:
    """Doubled from failure to failure, and jittered: cameras that went together must not come back together."""
    longest_s = min(_LAST_RETRY_S, _FIRST_RETRY_S * float(2 ** min(failures, 10)))
    return longest_s * random.uniform(0.5, 1)  # noqa: S311  (no secret depends on it)
