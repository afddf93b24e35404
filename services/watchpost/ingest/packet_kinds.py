"""Says of a coded packet, undecoded, whether others refer to its picture: sizes compare within a kind alone."""

from enum import StrEnum

from watchpost.ingest.packets import CodedPacket

__all__ = ["PacketKind", "kind_of"]

_START_CODE = b"\x00\x00\x01"
_LOOK_BYTES = 4096  # parameter sets and messages stand before the picture and are small
_H264_SLICE, _H264_IDR = 1, 5
_HEVC_FIRST_NOT_A_PICTURE, _HEVC_LAST_SUB_LAYER = 32, 15


class PacketKind(StrEnum):
    """What a picture is to others."""

    KEYFRAME = "keyframe"
    REFERENCE = "reference"
    DISPOSABLE = "disposable"


def kind_of(coded: CodedPacket) -> PacketKind:
    """The kind of a packet. Only H.264 and H.265 are looked into: of others all between keyframes are one kind."""
    if coded.is_keyframe:
        return PacketKind.KEYFRAME
    name = coded.decoder.name
    if coded.packet.is_disposable:
        return PacketKind.DISPOSABLE
    if name in {"h264", "hevc"}:
        head = bytes(memoryview(coded.packet)[:_LOOK_BYTES])
        for unit in _unit_headers(head):
            disposable = _h264_is_disposable(unit) if name == "h264" else _hevc_is_disposable(unit)
            if disposable is not None:
                return PacketKind.DISPOSABLE if disposable else PacketKind.REFERENCE
    return PacketKind.REFERENCE


def _unit_headers(head: bytes) -> list[int]:
    """The first byte of each NAL unit, in Annex B (start codes) or behind lengths of four bytes."""
    if head.startswith((_START_CODE, b"\x00" + _START_CODE)):
        places = (part[0] for part in head.split(_START_CODE)[1:] if part)
        return list(places)
    units, at = [], 0
    while at + 4 < len(head):
        units.append(head[at + 4])
        at += 4 + int.from_bytes(head[at : at + 4])
    return units


def _h264_is_disposable(header: int) -> bool | None:
    """ITU-T H.264 7.3.1: two bits say whether anything refers to it, five its type. None: it is no picture."""
    return header & 0x60 == 0 if _H264_SLICE <= header & 0x1F <= _H264_IDR else None


def _hevc_is_disposable(header: int) -> bool | None:
    """ITU-T H.265 table 7-1: of the types up to 15 the even ones are not referred to. None: it is no picture."""
    kind = header >> 1 & 0x3F
    if kind >= _HEVC_FIRST_NOT_A_PICTURE:
        return None
    return kind <= _HEVC_LAST_SUB_LAYER and kind % 2 == 0
