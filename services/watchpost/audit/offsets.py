"""Which offsets of a partition are there, in little memory whatever their order."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

__all__ = ["OffsetSet", "Span", "count_of", "joined", "without"]

_CHUNK_OFFSETS = 4096
_CHUNK_BYTES = _CHUNK_OFFSETS // 8


class Span(NamedTuple):
    """Offsets from `first` up to, not including, `end`."""

    first: int
    end: int


class _Chunk:
    """A bit for each of 4096 offsets."""

    __slots__ = ("bits", "count")

    def __init__(self) -> None:
        self.bits = bytearray(_CHUNK_BYTES)
        self.count = 0


class OffsetSet:
    """A set of offsets: one bit each, 512 bytes for what lies close together, none for 4096 in a row that are there.

    Ranges alone would not do: a partition of the site holds several cameras, whose records lie in different partitions
    of the centre and are read one after the other, so every second offset may be missing for a while.

    Example:
        held = OffsetSet()
        held.add(7)            # True: it is new
        list(held.spans())     # [Span(first=7, end=8)]
    """

    __slots__ = ("_chunks", "count", "end", "first")

    def __init__(self) -> None:
        self._chunks: dict[int, _Chunk | None] = {}
        self.count = 0
        self.first = -1
        self.end = 0

    def add(self, offset: int) -> bool:
        """Whether `offset` was not there before."""
        number, place = divmod(offset, _CHUNK_OFFSETS)
        chunk = self._chunks.get(number, self)
        if chunk is None:
            return False
        if not isinstance(chunk, _Chunk):
            chunk = self._chunks[number] = _Chunk()
        byte, bit = place >> 3, 1 << (place & 7)
        if chunk.bits[byte] & bit:
            return False
        chunk.bits[byte] |= bit
        chunk.count += 1
        if chunk.count == _CHUNK_OFFSETS:
            self._chunks[number] = None
        self.count += 1
        self.end = max(self.end, offset + 1)
        self.first = offset if self.first < 0 else min(self.first, offset)
        return True

    def spans(self) -> Iterator[Span]:
        """What is there, in order, as few spans as possible."""
        return joined(self._pieces())

    def _pieces(self) -> Iterator[Span]:
        for number in sorted(self._chunks):
            chunk, base = self._chunks[number], number * _CHUNK_OFFSETS
            if chunk is None:
                yield Span(base, base + _CHUNK_OFFSETS)
                continue
            for place in range(_CHUNK_OFFSETS):
                if chunk.bits[place >> 3] & (1 << (place & 7)):
                    yield Span(base + place, base + place + 1)


def joined(spans: Iterable[Span]) -> Iterator[Span]:
    """The same offsets as `spans`, which begin in ascending order, with those that touch or overlap made one."""
    under_way: Span | None = None
    for span in spans:
        if span.end <= span.first:
            continue
        if under_way is not None and span.first <= under_way.end:
            under_way = Span(under_way.first, max(under_way.end, span.end))
            continue
        if under_way is not None:
            yield under_way
        under_way = span
    if under_way is not None:
        yield under_way


def without(wanted: Span, held: Iterable[Span]) -> Iterator[Span]:
    """The offsets of `wanted` that `held` lacks; `held` is in ascending order, its spans apart."""
    at = wanted.first
    for span in held:
        if span.first >= wanted.end:
            break
        if span.first > at:
            yield Span(at, span.first)
        at = max(at, span.end)
    if at < wanted.end:
        yield Span(at, wanted.end)


def count_of(spans: Iterable[Span]) -> int:
    """How many offsets they are, where none overlap."""
    return sum(span.end - span.first for span in spans)
