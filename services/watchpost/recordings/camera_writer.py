"""Writes one camera's pictures into segments, and goes on by itself after a disk that did not take them."""

from dataclasses import dataclass
from pathlib import Path

import av.error

from watchpost.contracts.records import CameraId
from watchpost.errors import RetryableError
from watchpost.recordings.folder import Segment
from watchpost.recordings.muxing import FragmentMuxer
from watchpost.recordings.ring import Ring, Room
from watchpost.recordings.samples import Form, Sample
from watchpost.recordings.segment_file import SegmentFile
from watchpost.recordings.timeline import Placed, Timeline
from watchpost.telemetry import metrics

__all__ = ["SEGMENT_US", "CameraWriter"]

SEGMENT_US = 300_000_000
_FAR_US = 10_000_000
_LEAST_SEGMENT_BYTES = 1024 * 1024


@dataclass(slots=True)
class _Open:
    """The segment that is being written."""

    segment: Segment
    form: Form
    file: SegmentFile
    muxer: FragmentMuxer
    head: bytes
    unwritten: int = 0


class CameraWriter:
    """One camera's segments. Used by the recorder's thread alone.

    A segment begins with a keyframe; a new one begins when the form changes, after five minutes, and when it holds
    `segment_bytes`.
    """

    def __init__(self, root: Path, camera: CameraId, ring: Ring) -> None:
        self._root, self._camera, self._ring = root, camera, ring
        self._timeline = Timeline()
        self._open: _Open | None = None
        self._lost = False

    def write(self, sample: Sample, segment_bytes: int) -> Room:
        """Take a picture; says whether the disk had room for what was written now.

        Raises:
            RetryableError: it was not written, nor what came since the last fragment: the next keyframe begins anew.
        """
        placed = self._timeline.place(sample)
        if self._open is not None:
            self._hear(self._open, sample, placed)
        if sample.form is not None and self._is_over(sample.form, placed, segment_bytes):
            self.end()
            return self._begin(sample, sample.form, placed)
        if self._open is None:
            if self._lost:
                metrics.PICTURES_NOT_RECORDED.labels(self._camera, "disk").inc()
            return Room.FREE
        return self._take(self._open, sample, placed)

    def end(self) -> None:
        """Close the segment. Raises RetryableError: the end of it was not written."""
        opened = self._open
        if opened is not None:
            try:
                self._append(opened, opened.muxer.end())
                opened.file.close()
            except OSError as error:
                raise self._failed(opened, error) from error
            self._ended(opened)

    def reconnected(self) -> None:
        """The camera's times begin anew, and maybe its form. Raises RetryableError as `end`."""
        self._timeline = Timeline()
        self.end()

    def _is_over(self, form: Form, placed: Placed, segment_bytes: int) -> bool:
        opened = self._open
        if opened is None or opened.form != form:
            return True
        if placed.dts_us - opened.segment.begins_us >= SEGMENT_US:
            return True
        return opened.file.size_bytes >= max(segment_bytes, _LEAST_SEGMENT_BYTES)

    def _begin(self, sample: Sample, form: Form, placed: Placed) -> Room:
        try:
            muxer = FragmentMuxer(sample, form.sound)
        except (av.error.FFmpegError, ValueError, IndexError) as error:
            metrics.PICTURES_NOT_RECORDED.labels(self._camera, "damaged").inc()
            raise RetryableError(f"a keyframe of {self._camera} is damaged: {error}") from error
        segment = self._free_name(placed.dts_us)
        self._ring.begun(self._camera, segment.begins_us)
        self._open = opened = _Open(segment, form, SegmentFile(segment.path), muxer, muxer.head)
        return self._take(opened, sample, placed)

    def _free_name(self, begins_us: int) -> Segment:
        """After a clock that was set back the name may be taken."""
        segment = Segment(self._root, self._camera, begins_us)
        try:
            while segment.path.exists():
                segment = Segment(self._root, self._camera, segment.begins_us + 1)
        except OSError as error:
            raise self._failed(None, error) from error
        return segment

    def _take(self, opened: _Open, sample: Sample, placed: Placed) -> Room:
        dts_us, pts_us = (stamp - opened.segment.begins_us for stamp in (placed.dts_us, placed.pts_us))
        try:
            fragment = opened.muxer.take(sample.payload, dts_us, pts_us, is_keyframe=sample.is_keyframe)
        except av.error.FFmpegError as error:
            raise self._failed(opened, error) from error
        opened.unwritten += 1
        try:
            return self._append(opened, fragment)
        except OSError as error:
            raise self._failed(opened, error) from error

    def _hear(self, opened: _Open, sample: Sample, placed: Placed) -> None:
        """Mux the sound before a picture; its bytes come out with that one's, or with the segment's end."""
        if sample.dts_us is None:
            return
        shift_us = placed.dts_us - sample.dts_us - opened.segment.begins_us
        try:
            for sound in sample.sound:
                if abs(sound.at_us - sample.dts_us) <= _FAR_US:
                    opened.muxer.hear(sound, sound.at_us + shift_us)
        except av.error.FFmpegError as error:
            raise self._failed(opened, error) from error

    def _append(self, opened: _Open, fragment: bytes) -> Room:
        if not fragment:
            return Room.FREE
        fragment = opened.head + fragment
        room = self._ring.make_room(len(fragment))
        if room is Room.NONE:
            raise OSError("there is no room, and nothing older that may go")
        opened.file.append(fragment)
        self._lost, opened.head, opened.unwritten = False, b"", 0
        self._ring.grown(self._camera, opened.segment.begins_us, opened.file.size_bytes)
        metrics.RECORDED_BYTES.labels(self._camera).inc(len(fragment))
        return room

    def _failed(self, opened: _Open | None, error: Exception) -> RetryableError:
        """What to raise; the segment ends with what was written of it."""
        self._lost = True
        metrics.PICTURES_NOT_RECORDED.labels(self._camera, "disk").inc(1 if opened is None else opened.unwritten)
        if opened is not None:
            opened.file.give_up()
            self._ended(opened)
        return RetryableError(f"{self._camera} is not recorded: {error}")

    def _ended(self, opened: _Open) -> None:
        self._open = None
        self._ring.ended(self._camera, opened.segment.begins_us)
