"""Reads the Range header (RFC 9110, section 14.2), by which players leap in a file."""

import re
from dataclasses import dataclass

__all__ = ["Span", "span_of"]

_ONE_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")


@dataclass(frozen=True, slots=True)
class Span:
    """The bytes from `begin` to before `end`; all of the file unless `is_part`."""

    begin: int
    end: int
    is_part: bool

    @property
    def length(self) -> int:
        """How many bytes."""
        return self.end - self.begin


def span_of(wanted: str | None, size_bytes: int) -> Span:
    """What the header asks for. One that is no single range of this file is passed over, as a server may do."""
    found = None if wanted is None else _ONE_RANGE.fullmatch(wanted.strip())
    whole = Span(0, size_bytes, False)
    if found is None:
        return whole
    first, last = found[1], found[2]
    if first:
        begin, end = int(first), min(size_bytes, int(last) + 1) if last else size_bytes
    elif last:
        begin, end = max(0, size_bytes - int(last)), size_bytes
    else:
        return whole
    return Span(begin, end, True) if begin < end else whole
