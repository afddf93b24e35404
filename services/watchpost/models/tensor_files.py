"""Reads what safetensors files say of themselves, so that a copy that was cut short is known before it is loaded.

The format, by its documentation: the header's length in 8 bytes, the header as JSON, the tensors.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from watchpost.errors import ModelError

__all__ = ["INDEX", "SINGLE", "Header", "header_of", "weight_files", "weight_map"]

INDEX, SINGLE = "model.safetensors.index.json", "model.safetensors"
_LENGTH_BYTES, _MOST_HEADER_BYTES = 8, 100_000_000


@dataclass(frozen=True, slots=True)
class Header:
    """What a file begins with.

    Args:
        text: as it stands in the file.
        places: where in the file each tensor begins and ends, in bytes.

    """

    text: bytes
    places: Mapping[str, tuple[int, int]]

    @property
    def file_bytes(self) -> int:
        """How long the file must be."""
        return max((end for _, end in self.places.values()), default=_LENGTH_BYTES + len(self.text))


def header_of(path: Path) -> Header:
    """A file's header. Raises ModelError unless it can be read and the file is as long as it says."""
    text = _header_text(path)
    start = _LENGTH_BYTES + len(text)
    try:
        entries = {name: entry for name, entry in json.loads(text).items() if name != "__metadata__"}
        offsets = {name: entry["data_offsets"] for name, entry in entries.items()}
        header = Header(text, {name: (start + int(begin), start + int(end)) for name, (begin, end) in offsets.items()})
    except (ValueError, KeyError, TypeError, AttributeError) as problem:
        raise ModelError(f"{path.name} has a header that cannot be read") from problem
    there = path.stat().st_size
    if there != header.file_bytes:
        raise ModelError(f"{path.name} has {there} bytes, not {header.file_bytes}")
    return header


def weight_map(directory: Path) -> Mapping[str, str] | None:
    """Which file holds each tensor, by the directory's index; None without one.

    Raises ModelError for an index that is none, or that names a file outside of the directory.
    """
    index = directory / INDEX
    if not index.is_file():
        return None
    try:
        files = dict(json.loads(index.read_text(encoding="utf-8"))["weight_map"])
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise ModelError(f"{INDEX} is no index of weight files") from problem
    for file in files.values():
        if not isinstance(file, str) or Path(file).name != file:
            raise ModelError(f"{INDEX} names no file beside it: {file!r}")
    return files


def weight_files(directory: Path) -> tuple[str, ...]:
    """The files that hold its weights, there or not, sorted. Raises ModelError as `weight_map`."""
    files = weight_map(directory)
    if files is not None:
        return tuple(sorted(set(files.values())))
    return (SINGLE,) if (directory / SINGLE).is_file() else ()


def _header_text(path: Path) -> bytes:
    try:
        with path.open("rb") as opened:
            length = opened.read(_LENGTH_BYTES)
            count = int.from_bytes(length, "little")
            text = opened.read(count) if count <= _MOST_HEADER_BYTES else b""
    except OSError as problem:
        raise ModelError(f"{path.name} cannot be read ({problem.strerror})") from problem
    if len(length) < _LENGTH_BYTES or len(text) != count:
        raise ModelError(f"{path.name} is no safetensors file, or was cut short")
    return text
