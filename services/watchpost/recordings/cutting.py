"""Cuts a time out of a camera's recordings, without encoding anything anew.

cut = cut_of(root, camera, from_us, to_us)
cut.begins_us                   # of its first picture, a keyframe at or before from_us
for fragment in cut.fragments(): …
"""

from __future__ import annotations  # at run time PyAV's Packet is no generic class

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import av
import av.error

from watchpost.contracts.records import CameraId
from watchpost.errors import NotRecordedError, RetryableError
from watchpost.recordings.folder import Segment, segments_between, segments_of
from watchpost.recordings.muxing import FragmentMuxer, Tracks
from watchpost.recordings.reading import LONGEST_DELAY_US, Picture, SegmentReader, StreamForm
from watchpost.recordings.timeline import LEAST_STEP_US

__all__ = ["Cut", "cut_of", "recorded_until_us"]


@dataclass(frozen=True, slots=True)
class Cut:
    """Pictures of one form, from one keyframe on. What was not recorded in between stays still for as long.

    `begins_us`: when its first picture was taken. `size_bytes`: about how much it is.
    """

    segments: tuple[Segment, ...]
    from_us: int
    to_us: int
    begins_us: int
    size_bytes: int

    def fragments(self) -> Iterator[bytes]:
        """The cut as fragmented MP4, bit by bit. Raises RetryableError: the disk does not give it any more."""
        muxer: FragmentMuxer | None = None
        for picture in self._pictures():
            if muxer is None:
                muxer = FragmentMuxer(picture.stream, picture.config)
                yield muxer.head
            fragment = muxer.take(picture.payload, picture.dts_us, picture.pts_us, is_keyframe=picture.is_keyframe)
            for sound in picture.sound:
                muxer.hear(sound, sound.at_us)
            if fragment:
                yield fragment
        if muxer is not None:
            yield muxer.end()

    def write(self, path: Path) -> None:
        """Write it as an MP4 whose index stands first, so that browsers know its length and leap in it.

        Raises:
            RetryableError: the disk does not give or take it.
        """
        try:
            with av.open(str(path), "w", format="mp4", options={"movflags": "faststart"}) as container:
                tracks: Tracks | None = None
                for picture in self._pictures():
                    if tracks is None:
                        tracks = Tracks(container, picture.stream, picture.config)
                    tracks.take(picture.payload, picture.dts_us, picture.pts_us, is_keyframe=picture.is_keyframe)
                    for sound in picture.sound:
                        tracks.hear(sound, sound.at_us)
        except (av.error.FFmpegError, OSError) as error:
            raise RetryableError(f"{path} cannot be written: {error}") from error

    def _pictures(self) -> Iterator[Picture]:
        """In the order of decoding; times count from the first one's."""
        begins_us: int | None = None
        last_us = -LEAST_STEP_US
        for segment in self.segments:
            with _reading(segment) as reader:
                for picture in reader.pictures(self.from_us, self.to_us):
                    begins_us = picture.dts_us if begins_us is None else begins_us
                    # after a clock that was set back a segment may begin before the last one ended
                    last_us = max(picture.dts_us - begins_us, last_us + LEAST_STEP_US)
                    pts_us = max(picture.pts_us - begins_us, last_us)
                    shift_us = last_us - picture.dts_us
                    sounds = tuple(
                        replace(sound, at_us=sound.at_us + shift_us)
                        for sound in picture.sound
                        if sound.at_us < self.to_us
                    )
                    yield replace(picture, dts_us=last_us, pts_us=pts_us, sound=sounds)


def cut_of(root: Path, camera: CameraId, from_us: int, to_us: int, moment_us: int | None = None) -> Cut:
    """What was recorded of this time, as far as it is of one form: the first, or that of `moment_us`.

    Raises:
        NotRecordedError: nothing was.
        RetryableError: the disk does not give it.
    """
    near = segments_between(_listed(root, camera), from_us - LONGEST_DELAY_US, to_us)
    found = [_Found(segment, from_us, to_us) for segment in near]
    pieces = _of_one_form([piece for piece in found if piece.first_us is not None], moment_us)
    if not pieces or pieces[0].first_us is None:
        raise NotRecordedError(f"nothing of {camera} was recorded in this time")
    size_bytes = sum(piece.size_bytes for piece in pieces)
    return Cut(tuple(piece.segment for piece in pieces), from_us, to_us, pieces[0].first_us, size_bytes)


def recorded_until_us(root: Path, camera: CameraId) -> int | None:
    """Before when all pictures are on the disk; None where there are none. Raises RetryableError."""
    for segment in reversed(_listed(root, camera)):
        with _reading(segment) as reader:
            if reader.last_us is not None:
                return reader.last_us
    return None


class _Found:
    """What a segment holds of a time: its first picture's time (None: nothing), form and bytes."""

    def __init__(self, segment: Segment, from_us: int, to_us: int) -> None:
        self.segment = segment
        self.first_us: int | None = None
        self.form: StreamForm | None = None
        self.size_bytes = 0
        try:
            with _reading(segment) as reader:
                first = next(reader.pictures(from_us, to_us), None)
                self.first_us = None if first is None else first.pts_us
                self.form, self.size_bytes = reader.form(), reader.bytes_between(from_us, to_us)
        except _GoneError:
            return


def _of_one_form(found: Sequence[_Found], moment_us: int | None) -> list[_Found]:
    runs: list[list[_Found]] = []
    for piece in found:
        if runs and runs[-1][-1].form == piece.form:
            runs[-1].append(piece)
        else:
            runs.append([piece])
    if moment_us is None or not runs:
        return runs[0] if runs else []
    before = [run for run in runs if run[0].segment.begins_us <= moment_us]
    return (before or runs)[-1 if before else 0]


def _listed(root: Path, camera: CameraId) -> list[Segment]:
    try:
        return segments_of(root, camera)
    except OSError as error:
        raise RetryableError(f"recordings of {camera} cannot be read: {error}") from error


class _GoneError(RetryableError):
    """The segment was deleted meanwhile: the ring needed its room."""


@contextmanager
def _reading(segment: Segment) -> Iterator[SegmentReader]:
    try:
        with SegmentReader(segment) as reader:
            yield reader
    except FileNotFoundError as error:
        raise _GoneError(f"{segment.path} is gone") from error
    except (OSError, av.error.FFmpegError) as error:
        raise RetryableError(f"{segment.path} cannot be read: {error}") from error
