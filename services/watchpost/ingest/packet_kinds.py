"""Says of a coded packet, undecoded, whether others refer to its picture: sizes compare within a kind alone."""

from enum import StrEnum

from watchpost.ingest.packets import CodedPacket
from watchpost.recordings import units_of

__all__ = ["PacketKind", "kind_of"]

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
    if coded.packet.is_disposable:
        return PacketKind.DISPOSABLE
    head = bytes(memoryview(coded.packet)[:_LOOK_BYTES])
    extradata = coded.decoder.extradata or b""
    match coded.decoder.name:
        case "h264":
            says = (_h264_is_disposable(unit[0]) for unit in units_of("h264", head, extradata))
        case "hevc":
            says = (_hevc_is_disposable(unit[0]) for unit in units_of("hevc", head, extradata))
        case _:
            return PacketKind.REFERENCE
    # the first picture's word: messages and parameter sets before it say nothing
    disposable = next((said for said in says if said is not None), False)
    return PacketKind.DISPOSABLE if disposable else PacketKind.REFERENCE


def _h264_is_disposable(header: int) -> bool | None:
    """ITU-T H.264 7.3.1: two bits say whether anything refers to it, five its type. None: it is no picture."""
    return header & 0x60 == 0 if _H264_SLICE <= header & 0x1F <= _H264_IDR else None


def _hevc_is_disposable(header: int) -> bool | None:
    """ITU-T H.265 table 7-1: of the types up to 15 the even ones are not referred to. None: it is no picture."""
    kind = header >> 1 & 0x3F
    if kind >= _HEVC_FIRST_NOT_A_PICTURE:
        return None
    return kind <= _HEVC_LAST_SUB_LAYER and kind % 2 == 0
