"""Reads H.264 and H.265 access units as far as anybody needs who does not decode them: their units, their parameters.

An access unit comes as a byte stream (Annex B of both standards) or, from an MP4, with each unit's length before it;
the stream's `extradata` says which (ISO/IEC 14496-15, sections 5.3.3 and 8.3.3).
"""

from collections.abc import Iterator
from typing import Literal

__all__ = ["NalCodec", "as_byte_stream", "parameter_sets", "units_of"]

NalCodec = Literal["h264", "hevc"]

_START = b"\x00\x00\x01"
_LONG_START = b"\x00\x00\x00\x01"
_SETS: dict[NalCodec, frozenset[int]] = {"h264": frozenset({7, 8}), "hevc": frozenset({32, 33, 34})}
_FIRST_PICTURE, _LAST_PICTURE = {"h264": 1, "hevc": 0}, {"h264": 5, "hevc": 31}
_AVCC_BYTES, _HVCC_BYTES = 7, 23


def parameter_sets(codec: NalCodec, payload: bytes, extradata: bytes) -> bytes:
    """The parameter sets that an access unit is coded with, as a byte stream; empty where there are none.

    What stands in the access unit itself counts, if it is complete: a camera that changes its size tells it there
    first, and `extradata` is what it was when the connection began.
    """
    wanted = _SETS[codec]
    in_band = list(_sets_of(codec, units_of(codec, payload, extradata)))
    if {_type(codec, unit) for unit in in_band} == wanted:
        return _joined(in_band)
    if _has_lengths(codec, extradata):
        described = list(_avcc_sets(extradata) if codec == "h264" else _hvcc_sets(extradata))
    else:
        described = list(_sets_of(codec, _byte_stream_units(extradata)))
    return _joined(described or in_band)


def as_byte_stream(codec: NalCodec, payload: bytes, extradata: bytes) -> bytes:
    """The access unit as a byte stream, whatever it was."""
    if not _has_lengths(codec, extradata) or payload.startswith(_LONG_START):
        return payload
    return _joined(_length_units(payload, _length_bytes(codec, extradata)))


def units_of(codec: NalCodec, payload: bytes, extradata: bytes) -> Iterator[bytes]:
    """The NAL units of an access unit, or of its beginning: the last is then cut short."""
    # of two start codes only the long one may begin an access unit: the short one is the length of a unit of 256 bytes
    if not _has_lengths(codec, extradata) or payload.startswith(_LONG_START):
        return _byte_stream_units(payload)
    return _length_units(payload, _length_bytes(codec, extradata))


def _sets_of(codec: NalCodec, units: Iterator[bytes]) -> Iterator[bytes]:
    """The parameter sets before the first slice: behind it none may stand that this picture needs."""
    for unit in units:
        kind = _type(codec, unit)
        if _FIRST_PICTURE[codec] <= kind <= _LAST_PICTURE[codec]:
            return
        if kind in _SETS[codec]:
            yield unit


def _type(codec: NalCodec, unit: bytes) -> int:
    return unit[0] & 0x1F if codec == "h264" else unit[0] >> 1 & 0x3F


def _joined(units: Iterator[bytes] | list[bytes]) -> bytes:
    return b"".join(_LONG_START + unit for unit in units)


def _byte_stream_units(payload: bytes) -> Iterator[bytes]:
    at = payload.find(_START)
    while at >= 0:
        begin = at + len(_START)
        at = payload.find(_START, begin)
        # a unit never ends in a zero: what stands there belongs to the next start code
        unit = payload[begin : at if at >= 0 else len(payload)].rstrip(b"\x00")
        if unit:
            yield unit


def _length_units(payload: bytes, length_bytes: int) -> Iterator[bytes]:
    at = 0
    while at + length_bytes < len(payload):
        begin = at + length_bytes
        at = begin + int.from_bytes(payload[at:begin], "big")
        if at > begin:
            yield payload[begin:at]


def _has_lengths(codec: NalCodec, extradata: bytes) -> bool:
    return len(extradata) >= (_AVCC_BYTES if codec == "h264" else _HVCC_BYTES) and extradata[0] == 1


def _length_bytes(codec: NalCodec, extradata: bytes) -> int:
    return (extradata[4 if codec == "h264" else 21] & 3) + 1


def _avcc_sets(extradata: bytes) -> Iterator[bytes]:
    at = _AVCC_BYTES - 2
    for mask in (0x1F, 0xFF):  # sequence parameter sets, then picture parameter sets
        if at >= len(extradata):
            return
        count, at = extradata[at] & mask, at + 1
        for _ in range(count):
            unit, at = _with_length(extradata, at)
            yield unit


def _hvcc_sets(extradata: bytes) -> Iterator[bytes]:
    at = _HVCC_BYTES
    for _ in range(extradata[_HVCC_BYTES - 1]):
        is_wanted = extradata[at] & 0x3F in _SETS["hevc"]
        count, at = int.from_bytes(extradata[at + 1 : at + 3], "big"), at + 3
        for _ in range(count):
            unit, at = _with_length(extradata, at)
            if is_wanted:
                yield unit


def _with_length(data: bytes, at: int) -> tuple[bytes, int]:
    begin = at + 2
    end = begin + int.from_bytes(data[at:begin], "big")
    return data[begin:end], end
