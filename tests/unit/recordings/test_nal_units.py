"""Access units are taken apart however they are written: with lengths, or with start codes."""

import pytest

from watchpost.recordings import units_of
from watchpost.recordings.nal_units import as_byte_stream

AVCC = bytes((1, 66, 0, 30, 0xFF, 0xE0, 0))
"""Units have lengths of four bytes."""


@pytest.mark.parametrize("size_bytes", [2, 255, 256, 257, 258, 511, 512, 65_536, 65_793])
def test_unit_is_found_by_its_length_whatever_that_looks_like(size_bytes: int) -> None:
    units = [b"\x41" + b"\x55" * (size_bytes - 1), b"\x41\x80"]
    payload = b"".join(len(unit).to_bytes(4, "big") + unit for unit in units)

    assert list(units_of("h264", payload, AVCC)) == units
    assert as_byte_stream("h264", payload, AVCC) == b"".join(b"\x00\x00\x00\x01" + unit for unit in units)


@pytest.mark.parametrize("extradata", [b"", AVCC])
def test_byte_stream_is_taken_for_what_it_is(extradata: bytes) -> None:
    payload = b"\x00\x00\x00\x01\x41\x55\x00\x00\x01\x41\x80"

    assert list(units_of("h264", payload, extradata)) == [b"\x41\x55", b"\x41\x80"]
    assert as_byte_stream("h264", payload, extradata) == payload
