"""Records the cameras of a process in one thread of its own, so that no disk ever keeps a camera waiting.

recorder = Recorder(settings.recordings.folder(settings.state_dir), bounds_of(settings.recordings), clock, tell)
recorder.start()
recording = recorder.for_camera(spec)
recording.take(coded, captured_us)        # from the camera's thread
recorder.check()                          # every second, from the service's loop
recorder.close(2.0)
"""

import contextvars
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import assert_never

import structlog

from watchpost.clock import Clock
from watchpost.contracts.records import CameraSpec
from watchpost.errors import RetryableError
from watchpost.recordings.bounds import RingBounds
from watchpost.recordings.camera_recording import CameraRecording, Mark
from watchpost.recordings.camera_writer import CameraWriter
from watchpost.recordings.folder_disk import FolderDisk
from watchpost.recordings.ring import Ring, Room
from watchpost.recordings.samples import Sample
from watchpost.recordings.storage_watch import StorageTurn, StorageWatch
from watchpost.telemetry import metrics

__all__ = ["Recorder"]

_LOG = structlog.get_logger()
_EVERY_S = 0.2
_SWEEP_EVERY_S, _READ_AGAIN_EVERY_S = 5.0, 60.0
_HANGS_AFTER_S = 10.0
_SHARE_OF_RING = 4


class Recorder:
    """All recordings of this process, below `root`.

    Args:
        root: the folder, made where it is missing; other processes may share it.
        bounds: what is kept.
        clock: the site's.
        tell: told, from any thread, when storage becomes low and when that is over.
        disk: the folder unless given.
        was_low: storage was low when another process told last, which did not live to tell the end.
    """

    def __init__(
        self,
        root: Path,
        bounds: RingBounds,
        clock: Clock,
        tell: Callable[[StorageTurn], None],
        disk: FolderDisk | None = None,
        *,
        was_low: bool = False,
    ) -> None:
        self._root, self._bounds, self._tell = root, bounds, tell
        self._disk = disk or FolderDisk(root)
        self.ring = Ring(bounds, self._disk, clock)
        self._watch = StorageWatch(bounds.min_free_bytes, time.monotonic() if was_low else None)
        self._lock = threading.Lock()
        self._writers: dict[CameraRecording, CameraWriter] = {}
        self._stop = threading.Event()
        self._answered_s = time.monotonic()
        self._swept_s = self._read_s = float("-inf")
        context = contextvars.copy_context()  # what every log line of the service says
        # a daemon: a disk that hangs must not hold up the end of the process
        self._thread = threading.Thread(target=context.run, args=(self._run,), name="recorder", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def for_camera(self, spec: CameraSpec) -> CameraRecording:
        """A camera's end of the recorder, until it is closed."""
        recording = CameraRecording(spec)
        with self._lock:
            self._writers[recording] = CameraWriter(self._root, spec.camera, self.ring)
        return recording

    def check(self) -> None:
        """Tell if the disk has not answered for long. Touches no disk itself."""
        now_s = time.monotonic()
        if now_s - self._answered_s > _HANGS_AFTER_S and self._thread.is_alive():
            self._trouble(f"the disk of {self._root} has not answered for {now_s - self._answered_s:.0f} s")

    def close(self, within_s: float) -> None:
        """Write what was taken, as far as the disk does it in this time."""
        for recording, _ in self._all():
            recording.close()
        self._stop.set()
        self._thread.join(within_s)

    def _run(self) -> None:
        self._attempt(self._begin)
        while not self._stop.wait(_EVERY_S):
            self._write_all()
            self._attempt(self._keep_house)
        self._write_all()

    def _begin(self) -> None:
        mended = self._disk.mend()
        if mended:
            _LOG.info("recordings_mended", segments=mended)
        self._read_again()

    def _write_all(self) -> None:
        self._answered_s = time.monotonic()
        writers = self._all()
        segment_bytes = self._bounds.max_bytes // (_SHARE_OF_RING * max(1, len(writers)))
        for recording, writer in writers:
            for item in recording.taken():
                self._attempt(partial(self._write, writer, item, segment_bytes))
                if item is Mark.CLOSED:
                    self._forget(recording)
                    break

    def _write(self, writer: CameraWriter, item: Sample | Mark, segment_bytes: int) -> None:
        match item:
            case Sample():
                self._judge(writer.write(item, segment_bytes))
            case Mark.RECONNECTED:
                writer.reconnected()
            case Mark.PAUSED | Mark.CLOSED:
                writer.end()

    def _attempt(self, action: Callable[[], None]) -> None:
        try:
            action()
        except (RetryableError, OSError) as error:
            self._trouble(str(error))
        except Exception:  # noqa: BLE001  (a bug that one camera's packets meet must not end the others' recordings unseen)
            _LOG.exception("recorder_failed")
        self._answered_s = time.monotonic()

    def _keep_house(self) -> None:
        now_s = time.monotonic()
        if now_s - self._swept_s < _SWEEP_EVERY_S:
            return
        self._swept_s = now_s
        if not self._root.exists():
            # nothing is recorded here: it is none of our business how full the disk is
            self._told(self._watch.nothing_to_keep(now_s))
            return
        if now_s - self._read_s >= _READ_AGAIN_EVERY_S:
            self._read_again()
        self.ring.sweep()
        self._judge(self.ring.make_room(0))
        metrics.RECORDINGS_BYTES.set(self.ring.kept_bytes)
        self._told(self._watch.look(self._disk.free_bytes(), now_s))

    def _read_again(self) -> None:
        self.ring.read_again()
        self._read_s = time.monotonic()

    def _judge(self, room: Room) -> None:
        match room:
            case Room.FREE:
                pass
            case Room.SHORT:
                self._trouble(f"{self._root} has so little room that recordings go before their time")
            case Room.NONE:
                self._trouble(f"{self._root} has less room than min_free_bytes, and no recordings that may go")
            case _:
                assert_never(room)

    def _all(self) -> list[tuple[CameraRecording, CameraWriter]]:
        with self._lock:
            return list(self._writers.items())

    def _trouble(self, reason: str) -> None:
        self._told(self._watch.trouble(reason, time.monotonic()))

    def _told(self, turn: StorageTurn | None) -> None:
        if turn is None:
            return
        tell = _LOG.error if turn.is_low else _LOG.info
        tell("storage_low" if turn.is_low else "storage_well_again", reason=turn.reason)
        self._tell(turn)

    def _forget(self, recording: CameraRecording) -> None:
        with self._lock:
            del self._writers[recording]
