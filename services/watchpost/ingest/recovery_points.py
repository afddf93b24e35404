"""Tells a keyframe from which an intra-refresh stream of H.264 only begins to recover: alone it is no whole picture."""

from watchpost.ingest.coded_bits import CodedBits
from watchpost.ingest.packets import CodedPacket
from watchpost.recordings import units_of

__all__ = ["is_slow_to_recover"]

_LOOK_BYTES, _MESSAGE_BYTES = 4096, 64
_FIRST_PICTURE, _LAST_PICTURE, _MESSAGES = 1, 5, 6
_RECOVERY_POINT, _MORE = 6, 255


def is_slow_to_recover(keyframe: CodedPacket) -> bool:
    """Whether it says that further pictures are needed until all is seen (ITU-T H.264 D.2.8)."""
    if keyframe.decoder.name != "h264":
        return False
    head = bytes(memoryview(keyframe.packet)[:_LOOK_BYTES])
    for unit in units_of("h264", head, keyframe.decoder.extradata or b""):
        kind = unit[0] & 0x1F
        if _FIRST_PICTURE <= kind <= _LAST_PICTURE:
            return False
        if kind == _MESSAGES:
            try:
                pictures = _pictures_needed(CodedBits(unit[:_MESSAGE_BYTES]))
            except ValueError:  # no such message, as far as it was looked for
                continue
            return pictures > 0
    return False


def _pictures_needed(bits: CodedBits) -> int:
    while True:
        message, size_bytes = _number(bits), _number(bits)
        if message == _RECOVERY_POINT:
            return bits.golomb()
        bits.skip_bytes(size_bytes)


def _number(bits: CodedBits) -> int:
    value = 0
    while (byte := bits.fixed(8)) == _MORE:
        value += _MORE
    return value + byte
