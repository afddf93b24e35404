"""Reads pictures out of segments, from the last keyframe before a moment on, also while they are being written."""

from __future__ import annotations  # at run time PyAV's Packet is no generic class

import os
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate, groupby
from types import TracebackType
from typing import Self

import av
import av.error
from av import Packet, VideoStream
from av.container import InputContainer
from av.stream import Stream

from watchpost.recordings.boxes import Fragment, shape_of
from watchpost.recordings.folder import Segment
from watchpost.recordings.sound import Sound

__all__ = ["LONGEST_DELAY_US", "Picture", "SegmentReader", "StreamForm"]

_MICROSECONDS = 1_000_000
LONGEST_DELAY_US = 1_000_000
"""No picture is decoded longer than this before it is shown: so much earlier it is looked for."""


@dataclass(frozen=True, slots=True)
class StreamForm:
    """How a segment's pictures are coded; only pictures of one form fit into one track."""

    codec: str
    extradata: bytes
    width_px: int
    height_px: int
    sound: bytes


@dataclass(frozen=True, slots=True)
class Picture:
    """A coded picture; times are the site's. `stream` is its segment's, for a copy to be like it.

    `sound` is what was heard since the picture before, `config` that of its track (empty where there is none).
    """

    stream: VideoStream
    payload: bytes
    dts_us: int
    pts_us: int
    is_keyframe: bool
    sound: tuple[Sound, ...]
    config: bytes


class SegmentReader:
    """An open segment, as far as it is whole now. Deleting it meanwhile does no harm.

    Raises OSError where it cannot be read; `av.error.FFmpegError` where it is no segment of ours.
    """

    def __init__(self, segment: Segment) -> None:
        self._begins_us = segment.begins_us
        self._descriptor = os.open(segment.path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            self._shape = shape_of(self._descriptor)
        except OSError:
            os.close(self._descriptor)
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._descriptor)

    @property
    def last_us(self) -> int | None:
        """When the last whole fragment begins; all before it is there. None where there is none."""
        fragments = self._shape.fragments
        return self._begins_us + fragments[-1].begins_us if fragments else None

    def form(self) -> StreamForm | None:
        """How its pictures are coded; None where it holds none."""
        if not self._shape.fragments:
            return None
        with av.open(_Part(self._descriptor, self._shape.head_bytes, ()), "r", format="mp4") as container:
            stream = container.streams.video[0]
            codec = stream.codec_context
            return StreamForm(
                codec.codec.canonical_name, codec.extradata or b"", stream.width, stream.height, _config_of(container)
            )

    def bytes_between(self, from_us: int, to_us: int) -> int:
        """About how many bytes the pictures of this time have, from the keyframe before it on."""
        return sum(fragment.size_bytes for fragment in self._chosen(from_us, to_us))

    def pictures(self, from_us: int, to_us: int) -> Iterator[Picture]:
        """The pictures that are decoded before `to_us`, from the last keyframe at or before `from_us` on.

        None where the last one was taken before `from_us`.
        """
        fragments = self._chosen(from_us, to_us)
        if not fragments:
            return
        with av.open(_Part(self._descriptor, self._shape.head_bytes, fragments), "r", format="mp4") as container:
            held: list[Picture] = []
            waits = True
            for picture in self._demuxed(container, fragments):
                if waits and picture.is_keyframe:
                    held.clear()
                if picture.dts_us >= to_us:
                    break
                held.append(picture)
                waits = waits and picture.pts_us < from_us
                if not waits:
                    yield from held
                    held.clear()

    def _demuxed(self, container: InputContainer, fragments: tuple[Fragment, ...]) -> Iterator[Picture]:
        config, stream = _config_of(container), container.streams.video[0]
        packets = (packet for packet in container.demux(stream, *container.streams.audio) if packet.size)
        ends = list(accumulate((fragment.size_bytes for fragment in fragments), initial=self._shape.head_bytes))
        heard: list[Sound] = []
        for packet in _in_time(packets, ends) if config else packets:
            if packet.dts is None or packet.pts is None:
                continue
            dts_us, pts_us, lasts_us = (
                round(time * packet.time_base * _MICROSECONDS)
                for time in (packet.dts, packet.pts, packet.duration or 0)
            )
            if packet.stream.type == "audio":
                heard.append(Sound(bytes(packet), self._begins_us + pts_us, lasts_us))
                continue
            times = self._begins_us + dts_us, self._begins_us + pts_us
            yield Picture(stream, bytes(packet), *times, packet.is_keyframe, tuple(heard), config)
            heard.clear()

    def _chosen(self, from_us: int, to_us: int) -> tuple[Fragment, ...]:
        """The fragments of this time, and those before it back to one that begins with a keyframe."""
        fragments = self._shape.fragments
        end = sum(self._begins_us + fragment.begins_us < to_us for fragment in fragments)
        decoded_us = from_us - LONGEST_DELAY_US
        first = max(0, sum(self._begins_us + fragment.begins_us <= decoded_us for fragment in fragments) - 1)
        while first > 0 and not self._begins_with_keyframe(fragments[first]):
            first -= 1
        return fragments[first:end]

    def _begins_with_keyframe(self, fragment: Fragment) -> bool:
        with av.open(_Part(self._descriptor, self._shape.head_bytes, (fragment,)), "r", format="mp4") as container:
            return next(container.demux(video=0)).is_keyframe


def _in_time(packets: Iterator[Packet[Stream]], ends: list[int]) -> Iterator[Packet[Stream]]:
    """In the order of decoding: a fragment holds all of its pictures first, then all of its sound. `ends`: where."""
    for _, of_fragment in groupby(packets, key=lambda packet: bisect_right(ends, packet.pos or 0)):
        yield from sorted(of_fragment, key=lambda packet: (packet.dts or 0) * packet.time_base)


def _config_of(container: InputContainer) -> bytes:
    """The config of its sound, empty where it has none."""
    sound = next(iter(container.streams.audio), None)
    return b"" if sound is None else sound.codec_context.extradata or b""


class _Part:
    """The head of a segment and some of its fragments, which lie one after the other, as a file for libav."""

    def __init__(self, descriptor: int, head_bytes: int, fragments: tuple[Fragment, ...]) -> None:
        self._descriptor = descriptor
        self._at, self._head_bytes = 0, head_bytes
        self._skipped_bytes = fragments[0].offset - head_bytes if fragments else 0
        self._end = fragments[-1].offset + fragments[-1].size_bytes if fragments else head_bytes

    def read(self, size: int) -> bytes:
        end = self._head_bytes if self._at < self._head_bytes else self._end
        content = os.pread(self._descriptor, max(0, min(size, end - self._at)), self._at)
        self._at += len(content)
        if self._at == self._head_bytes:
            self._at += self._skipped_bytes
        return content
