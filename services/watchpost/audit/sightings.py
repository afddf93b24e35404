"""Finds what is there twice among more records than fit into memory."""

import hashlib
import struct
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

__all__ = ["Sightings", "Twice"]

# 20 bytes a record on disk; a bucket in memory is a 64th of that: 3 MB for ten million records
_BUCKETS = 64
_PLACE_AND_OWNER = struct.Struct("<QI")
_ENTRY_TYPE = np.dtype([("identity", "<u8"), ("place", "<u8"), ("owner", "<u4")])
_BUFFER_BYTES = 32 * 1024
_OFFSET_BITS = 48


@dataclass(frozen=True, slots=True)
class Twice:
    """A record that is there more than once: whose it is, and each (partition, offset) of it after the first."""

    owner: int
    first: tuple[int, int]
    again: tuple[tuple[int, int], ...]


class Sightings:
    """Takes the identity of every record, and says in the end which came again.

    Identities become 64 bits, are dealt out among 64 files by the first six of them, and each file is sorted by itself.
    An index on disk (rocksdict) would look each of them up while records stream in, ten times slower than sorting, and
    keep caches besides. Two different records of a hundred million have the same 64 bits with a chance of 1 to 3,700.

    Example:
        with Sightings() as sightings:
            sightings.add(owner=0, identity="e1/1", partition=3, offset=17)
            list(sightings.twice())
    """

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="watchpost-audit-")
        self._buffers = [bytearray() for _ in range(_BUCKETS)]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._folder.cleanup()

    def add(self, owner: int, identity: str, partition: int, offset: int) -> None:
        """Remember that `owner`'s record `identity` stands at `offset` of `partition`."""
        digest = hashlib.blake2b(b"%d/%s" % (owner, identity.encode()), digest_size=8).digest()
        number = digest[7] >> 2  # the upper six bits of the little-endian number
        buffer = self._buffers[number]
        buffer += digest
        buffer += _PLACE_AND_OWNER.pack(partition << _OFFSET_BITS | offset, owner)
        if len(buffer) >= _BUFFER_BYTES:
            self._spill(number)

    def twice(self) -> Iterator[Twice]:
        """Each record that was added more than once."""
        for number in range(_BUCKETS):
            self._spill(number)
            path = self._path(number)
            if path.exists():
                yield from _twice_in(np.fromfile(path, _ENTRY_TYPE))

    def _spill(self, number: int) -> None:
        buffer = self._buffers[number]
        if buffer:
            with self._path(number).open("ab") as file:
                file.write(buffer)
            buffer.clear()

    def _path(self, number: int) -> Path:
        return Path(self._folder.name) / str(number)


def _twice_in(entries: "np.ndarray[tuple[int], np.dtype[np.void]]") -> Iterator[Twice]:
    ordered = entries[np.argsort(entries["identity"], kind="stable")]
    identities = ordered["identity"]
    again = np.flatnonzero(identities[1:] == identities[:-1]) + 1
    # neighbours of neighbours are one record: split where the run of repeats breaks
    for run in np.split(again, np.flatnonzero(np.diff(again) != 1) + 1) if len(again) else ():
        yield from _by_identity(ordered, int(run[0]) - 1, int(run[-1]) + 1)


def _by_identity(ordered: "np.ndarray[tuple[int], np.dtype[np.void]]", begin: int, end: int) -> Iterator[Twice]:
    """The repeats in a run, in which one record's may follow another's."""
    while begin < end:
        same = begin
        while same < end and ordered["identity"][same] == ordered["identity"][begin]:
            same += 1
        places = [_place(int(place)) for place in ordered["place"][begin:same]]
        yield Twice(int(ordered["owner"][begin]), places[0], tuple(places[1:]))
        begin = same


def _place(packed: int) -> tuple[int, int]:
    return packed >> _OFFSET_BITS, packed & ((1 << _OFFSET_BITS) - 1)
