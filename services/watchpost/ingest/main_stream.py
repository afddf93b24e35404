"""Records a camera's main stream beside the substream that is analysed: its packets alone, none is decoded.

main = MainStream(ingest, clock, record)
main.fit(spec)            # begins, changes or ends it as the spec says
main.read_bytes           # of the main stream, for as long as it was read
main.lost                 # why it is not recorded now, though it should be
main.stop(); main.join(2.0)
"""

import contextvars
import threading
import time
from collections.abc import Callable

import structlog

from watchpost.clock import Clock
from watchpost.contracts.recording_rules import may_hear
from watchpost.contracts.records import CameraSpec
from watchpost.errors import SourceError, SourceFailure
from watchpost.ingest.arrivals import Arrivals
from watchpost.ingest.connections import Connections
from watchpost.ingest.packets import Source
from watchpost.ingest.sources import recorded_apart
from watchpost.recordings import CameraRecording
from watchpost.settings import IngestSettings
from watchpost.telemetry import metrics

__all__ = ["MainStream"]

_LOG = structlog.get_logger()


class MainStream:
    """What of a camera is recorded apart from what is analysed, if anything. For the service's loop.

    Its state is no camera's presence: whoever is analysed by a substream is online while that comes.

    Args:
        ingest: how long a stream may take to open, and how long it may lack a keyframe.
        clock: the site's: the recording has the same time as the frames, as far as both streams arrive alike.
        record: gives the recorder's end for a camera.
    """

    def __init__(self, ingest: IngestSettings, clock: Clock, record: Callable[[CameraSpec], CameraRecording]) -> None:
        self._ingest, self._clock, self._record = ingest, clock, record
        self._reader: _Reader | None = None
        self._ended: list[_Reader] = []
        self._read_before_bytes = 0

    @property
    def read_bytes(self) -> int:
        """Read of main streams so far."""
        reader = self._reader
        return self._read_before_bytes + (0 if reader is None else reader.read_bytes)

    @property
    def delivers(self) -> bool:
        """Whether there is one, and it comes."""
        reader = self._reader
        return reader is not None and reader.lost is None and reader.read_bytes > 0

    @property
    def lost(self) -> SourceError | None:
        """Why it does not come, though it should."""
        return None if self._reader is None else self._reader.lost

    def fit(self, spec: CameraSpec) -> None:
        """Read what the spec wants recorded apart, and nothing where it wants nothing."""
        wanted = recorded_apart(spec)
        reader = self._reader
        if reader is not None and (wanted is None or _reading(wanted) != _reading(reader.spec)):
            self.stop()
            reader = None
        if wanted is None:
            return
        if reader is None:
            self._reader = _Reader(wanted, self._ingest, Arrivals(self._clock), self._record(wanted))
            self._reader.start()
        else:
            reader.update(wanted)

    def stop(self) -> None:
        """End it soon; what came is still written."""
        reader, self._reader = self._reader, None
        if reader is not None:
            self._read_before_bytes += reader.read_bytes
            metrics.MAIN_STREAM_RECORDED.remove(reader.spec.camera)
            reader.stop()
            self._ended = [ended for ended in self._ended if ended.is_alive] + [reader]

    def join(self, timeout_s: float) -> None:
        """Wait for the end of what was stopped."""
        deadline_s = time.monotonic() + timeout_s
        for reader in self._ended:
            reader.join(max(0.0, deadline_s - time.monotonic()))


class _Reader:
    """One main stream, in a thread of its own: a stall or a bug of it leaves the analysis alone."""

    def __init__(
        self, spec: CameraSpec, ingest: IngestSettings, arrivals: Arrivals, recording: CameraRecording
    ) -> None:
        self.spec = spec
        self.read_bytes = 0
        self.lost: SourceError | None = None
        self._arrivals, self._recording = arrivals, recording
        self._without_keyframe_s = 2 * ingest.offline_after_s
        self._stop = threading.Event()
        log = _LOG.bind(camera=spec.camera)
        self._connections = Connections(ingest, self._stop, log, "main_stream")
        self._log = log
        self._metric = metrics.MAIN_STREAM_RECORDED.labels(spec.camera)
        # a daemon: a call into libav cannot be interrupted, and must not hold up the end of the process
        context = contextvars.copy_context()  # what every log line of the service says
        self._thread = threading.Thread(target=context.run, args=(self._run,), name=f"main-{spec.camera}", daemon=True)

    @property
    def is_alive(self) -> bool:
        return self._thread.is_alive()

    def start(self) -> None:
        self._metric.set(0)
        self._thread.start()

    def update(self, spec: CameraSpec) -> None:
        self.spec = spec
        self._recording.update(spec)

    def stop(self) -> None:
        self._stop.set()

    def join(self, timeout_s: float) -> None:
        self._thread.join(timeout_s)

    def _run(self) -> None:
        try:
            self._connections.run(lambda: self.spec, self._read, self._failed)
        finally:
            self._recording.close()

    def _read(self, source: Source) -> None:
        self._arrivals.reconnected()
        try:
            self._read_packets(source)
        finally:
            self._recording.reconnected()  # what came is written now, not when the camera is back

    def _read_packets(self, source: Source) -> None:
        opened_s = time.monotonic()
        bytes_read = metrics.SOURCE_BYTES.labels(self.spec.camera)
        has_keyframe = False
        for coded in source.packets:
            if self._stop.is_set():
                return
            bytes_read.inc(coded.size_bytes)
            self.read_bytes += coded.size_bytes
            self._recording.take(coded, self._arrivals.stamp(coded).captured_us)
            if coded.is_keyframe and not has_keyframe:
                has_keyframe = True
                self._found()
            elif not has_keyframe and time.monotonic() - opened_s > self._without_keyframe_s:
                raise SourceError(SourceFailure.NO_KEYFRAME, "no keyframe came, with which a recording can begin")

    def _found(self) -> None:
        self._connections.delivered()
        self._connections.log_again()
        if self.lost is not None:
            self._log.info("main_stream_back")
        self.lost = None
        self._metric.set(1)

    def _failed(self, why: SourceError, _is_over: bool) -> None:  # noqa: FBT001  (as `Connections.run` calls it)
        metrics.MAIN_STREAM_RECONNECTS.labels(self.spec.camera, why.reason).inc()
        self.lost = why
        self._metric.set(0)


def _reading(spec: CameraSpec) -> tuple[str | bool | None, ...]:
    """What another reader is needed for where it changes."""
    return spec.source, spec.secret_ref, may_hear(spec)
