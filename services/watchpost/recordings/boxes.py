"""Reads how a segment is put together: one that is being written, or was cut off, counts as far as it is whole.

A segment is a head (`ftyp`, `moov`) and fragments, each a `moof` and its `mdat` (ISO/IEC 14496-12). Nothing here reads
pictures: of 5 minutes at 4 Mbps (150 MB) it reads about 100 kB.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass

from watchpost.recordings.muxing import TIME_BASE

__all__ = ["Fragment", "Shape", "shape_of"]

_HEADER_BYTES, _LARGE_HEADER_BYTES = 8, 16
_MOST_MOOF_BYTES = 4 * 1024 * 1024
_MICROSECONDS = 1_000_000
_PICTURES_TRACK = 1


@dataclass(frozen=True, slots=True)
class Fragment:
    """One fragment: where it lies in the file, and when its first picture is decoded, since the segment began."""

    offset: int
    size_bytes: int
    begins_us: int


@dataclass(frozen=True, slots=True)
class Shape:
    """What of a segment is whole. `head_bytes` is 0 where not even its head is."""

    head_bytes: int
    fragments: tuple[Fragment, ...]

    @property
    def whole_bytes(self) -> int:
        """Where the last whole fragment ends."""
        if not self.fragments:
            return self.head_bytes
        return self.fragments[-1].offset + self.fragments[-1].size_bytes


@dataclass(frozen=True, slots=True)
class _Box:
    kind: bytes
    offset: int
    size_bytes: int


def shape_of(descriptor: int) -> Shape:
    """The shape of an open segment, of which more may be written meanwhile. Raises OSError."""
    head_bytes = 0
    fragments: list[Fragment] = []
    moof: _Box | None = None
    for box in _boxes(descriptor, os.fstat(descriptor).st_size):
        if box.kind == b"moov":
            head_bytes = box.offset + box.size_bytes
        elif box.kind == b"moof":
            moof = box
        elif box.kind == b"mdat" and moof is not None:
            begins_us = _begins_us(os.pread(descriptor, min(moof.size_bytes, _MOST_MOOF_BYTES), moof.offset))
            fragment = Fragment(moof.offset, moof.size_bytes + box.size_bytes, begins_us or 0)
            if begins_us is None and fragments:
                # sound alone, of a camera of few pictures: it belongs to the pictures before it
                before = fragments.pop()
                fragment = Fragment(before.offset, before.size_bytes + fragment.size_bytes, before.begins_us)
            fragments.append(fragment)
            moof = None
    return Shape(head_bytes, tuple(fragments) if head_bytes else ())


def _boxes(descriptor: int, end: int) -> Iterator[_Box]:
    """The boxes that end before `end`."""
    at = 0
    while at + _HEADER_BYTES <= end:
        header = os.pread(descriptor, _LARGE_HEADER_BYTES, at)
        size_bytes = int.from_bytes(header[:4], "big")
        if size_bytes == 1 and len(header) == _LARGE_HEADER_BYTES:
            size_bytes = int.from_bytes(header[8:], "big")
        if size_bytes < _HEADER_BYTES or at + size_bytes > end:
            return
        yield _Box(header[4:8], at, size_bytes)
        at += size_bytes


def _begins_us(moof: bytes) -> int | None:
    """The pictures' base decode time, from the `tfdt` beside the `tfhd` of their track; None where there are none."""
    for kind, track in _inside(moof):
        inside = dict(_inside(track)) if kind == b"traf" else {}
        header, time = inside.get(b"tfhd", b""), inside.get(b"tfdt", b"")
        if int.from_bytes(header[12:16], "big") == _PICTURES_TRACK:
            ticks = int.from_bytes(time[12:20] if time[8:9] == b"\x01" else time[12:16], "big")
            return round(ticks * TIME_BASE * _MICROSECONDS)
    return None


def _inside(box: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = _HEADER_BYTES
    while at + _HEADER_BYTES <= len(box):
        size_bytes = int.from_bytes(box[at : at + 4], "big")
        if size_bytes < _HEADER_BYTES:
            return
        yield box[at + 4 : at + 8], box[at : at + size_bytes]
        at += size_bytes
