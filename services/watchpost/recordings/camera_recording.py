"""Takes one camera's packets from its thread and never keeps that thread waiting, whatever the disk does."""

import threading
from collections import deque
from collections.abc import Iterator
from enum import Enum, auto

import structlog

from watchpost.contracts.recording_rules import may_record
from watchpost.contracts.records import CameraSpec
from watchpost.recordings.samples import Coded, Sample, codec_of, sample_of
from watchpost.recordings.sound import SoundReader
from watchpost.telemetry import metrics

__all__ = ["MOST_QUEUED_BYTES", "CameraRecording", "Mark"]

_LOG = structlog.get_logger()
MOST_QUEUED_BYTES = 8 * 1024 * 1024
"""16 s at 4 Mbps."""


class Mark(Enum):
    """What happened between two pictures."""

    RECONNECTED = auto()
    PAUSED = auto()
    CLOSED = auto()


class CameraRecording:
    """The camera's end of the recorder. Its methods return at once; they are for the camera's thread.

    What the disk is too slow for is left out from there to the next keyframe that there is room for: what lies between
    refers to what was left out.

    Args:
        spec: the camera; nothing is recorded where it does not allow it.
    """

    def __init__(self, spec: CameraSpec) -> None:
        self.camera = spec.camera
        self._may_record = may_record(spec)
        self._lock = threading.Lock()
        self._queue: deque[Sample | Mark] = deque()
        self._queued_bytes = 0
        self._overflows = False
        self._unsupported = ""
        self._sound = SoundReader(spec.camera)

    def take(self, coded: Coded, captured_us: int) -> None:
        """Record a packet, of which nothing is changed or kept. `captured_us`: when, by the site's clock."""
        if not (self._records() and coded.packet.size):
            return
        codec = codec_of(coded)
        if codec is None:
            self._refuse(coded.decoder.codec.canonical_name)
            return
        if self._overflows and not (coded.is_keyframe and self._has_room(coded.packet.size)):
            metrics.PICTURES_NOT_RECORDED.labels(self.camera, "slow_disk").inc()
            return
        sample = sample_of(coded, codec, captured_us, self._sound)
        with self._lock:
            if not self._records():
                return
            has_room = self._has_room(len(sample.payload))
            if has_room:
                self._queue.append(sample)
                self._queued_bytes += len(sample.payload)
        self._count(sample, has_room=has_room)

    def reconnected(self) -> None:
        """The connection is a new one: times and form begin anew."""
        self._sound = self._sound.anew()
        self._queue.append(Mark.RECONNECTED)

    def update(self, spec: CameraSpec) -> None:
        """Go on as the spec says now."""
        with self._lock:
            if self._may_record and not may_record(spec):
                self._queue.append(Mark.PAUSED)
            self._may_record = may_record(spec)

    def close(self) -> None:
        """End the recording; what was taken is still written."""
        with self._lock:
            self._may_record = False
            self._queue.append(Mark.CLOSED)

    def taken(self) -> Iterator[Sample | Mark]:
        """What waits to be written, in order. For the recorder's thread."""
        while self._queue:
            item = self._queue.popleft()
            if isinstance(item, Sample):
                with self._lock:
                    self._queued_bytes -= len(item.payload)
            yield item

    @property
    def waits(self) -> bool:
        """Whether anything waits to be written."""
        return bool(self._queue)

    def _records(self) -> bool:
        return self._may_record

    def _has_room(self, size_bytes: int) -> bool:
        return self._queued_bytes + size_bytes <= MOST_QUEUED_BYTES

    def _count(self, sample: Sample, *, has_room: bool) -> None:
        if not has_room:
            metrics.PICTURES_NOT_RECORDED.labels(self.camera, "slow_disk").inc()
        if self._overflows == has_room:
            self._overflows = not has_room
            tell = _LOG.info if has_room else _LOG.error
            tell(
                "recording_goes_on" if has_room else "recording_queue_full",
                camera=self.camera,
                at_us=sample.captured_us,
            )

    def _refuse(self, codec: str) -> None:
        metrics.PICTURES_NOT_RECORDED.labels(self.camera, "unsupported").inc()
        if codec != self._unsupported:
            self._unsupported = codec
            remedy = "have the camera send H.264, H.265 or MJPEG, or set recording.enabled: false"
            _LOG.warning("camera_not_recorded", camera=self.camera, codec=codec, remedy=remedy)
