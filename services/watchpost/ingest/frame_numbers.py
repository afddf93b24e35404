"""Tells that a picture is missing before this one: of H.264 libav conceals that, and does not say what it shows.

A slice of H.264 carries the number of its picture (ITU-T H.264 7.4.3, `frame_num`): each picture has one more than the
last before it that others refer to. H.265 needs none of this: there a strict decoder fails for want of a reference.
"""

from dataclasses import dataclass

import structlog

from watchpost.contracts.records import CameraId
from watchpost.ingest.coded_bits import CodedBits
from watchpost.ingest.packets import CodedPacket
from watchpost.recordings import parameter_sets, units_of

__all__ = ["FrameNumbers"]

_LOG = structlog.get_logger()
_SLICE, _IDR, _PARAMETERS = 1, 5, 7
_HIGH_PROFILES = {44, 83, 86, 100, 110, 118, 122, 128, 134, 135, 138, 139, 244}
_THREE_PLANES, _COUNTED = 3, 1
_LOOK_BYTES, _HEADER_BYTES = 4096, 24
_LENIENT_AFTER, _LENIENT_AFTER_US = 4, 5_000_000


@dataclass(frozen=True, slots=True)
class _Numbering:
    """How a stream numbers its pictures: the bits of a number, and what stands before it in a slice."""

    bits: int
    has_planes: bool
    has_fields: bool


class FrameNumbers:
    """One camera's. For the camera's thread; 20 µs a packet.

    They are not looked at any more, until the camera is connected anew, where four groups of pictures in a row, over
    five seconds, were numbered otherwise: a camera that never numbers them as it should could not be seen at all.
    """

    def __init__(self, camera: CameraId) -> None:
        self._camera = camera
        self.reconnected()

    def reconnected(self) -> None:
        """What comes next has nothing to do with what came before."""
        self._numbering: _Numbering | None = None
        self._reference: int | None = None
        self._is_heeded = True
        self._gaps, self._gaps_since_us = 0, 0

    def begin(self) -> None:
        """The next packet is a keyframe at which decoding begins."""
        self._reference = None

    def whole(self) -> None:
        """A group of pictures came without a gap."""
        self._gaps = 0

    def miss_one_before(self, coded: CodedPacket, at_us: int) -> bool:
        """Whether a picture that others refer to is missing between the packet of the last call and this one."""
        if not self._is_heeded or coded.decoder.name != "h264":
            return False
        if coded.is_keyframe:
            self._numbering = _numbering_of(coded)
        if self._numbering is None:
            self._reference = None
            return False
        number, is_reference, is_idr = _number_in(coded, self._numbering)
        if number is None:
            return False
        before, self._reference = self._reference, number if is_reference else self._reference
        if before is None or is_idr or number == (before + 1) % (1 << self._numbering.bits):
            return False
        if self._numbering.has_fields and number == before:
            return False
        self._note_gap(at_us)
        return True

    def _note_gap(self, at_us: int) -> None:
        if not self._gaps or at_us < self._gaps_since_us:
            self._gaps_since_us = at_us
        self._gaps += 1
        if self._gaps >= _LENIENT_AFTER and at_us - self._gaps_since_us >= _LENIENT_AFTER_US:
            self._is_heeded = False
            _LOG.warning("camera_loses_pictures", camera=self._camera, consequence="broken ones may be shown")


def _number_in(coded: CodedPacket, numbering: _Numbering) -> tuple[int | None, bool, bool]:
    """The number of the packet's picture, whether others refer to it, and whether numbers begin anew there."""
    head = bytes(memoryview(coded.packet)[:_LOOK_BYTES])
    for unit in units_of("h264", head, coded.decoder.extradata or b""):
        kind = unit[0] & 0x1F
        if kind in {_SLICE, _IDR}:
            try:
                return _number(CodedBits(unit[:_HEADER_BYTES]), numbering), unit[0] & 0x60 != 0, kind == _IDR
            except ValueError:  # cut short or damaged, which the decoder says
                break
    return None, False, False


def _number(bits: CodedBits, numbering: _Numbering) -> int:
    for _ in range(3):  # its first macroblock, its type, its parameter set
        bits.golomb()
    if numbering.has_planes:
        bits.fixed(2)
    return bits.fixed(numbering.bits)


def _numbering_of(keyframe: CodedPacket) -> _Numbering | None:
    """As the parameter sets have it; None where numbers may be left out, or nothing can be told."""
    head = bytes(memoryview(keyframe.packet)[:_LOOK_BYTES])
    sets = parameter_sets("h264", head, keyframe.decoder.extradata or b"")
    found = [unit for unit in units_of("h264", sets, b"") if unit[0] & 0x1F == _PARAMETERS]
    if len(found) != 1:
        return None
    try:
        return _numbering(CodedBits(found[0]))
    except ValueError:
        return None


def _numbering(bits: CodedBits) -> _Numbering | None:
    profile, _, _ = bits.fixed(8), bits.fixed(16), bits.golomb()
    has_planes = False
    if profile in _HIGH_PROFILES:
        has_planes = bits.golomb() == _THREE_PLANES and bits.fixed(1) == 1
        bits.golomb(), bits.golomb(), bits.fixed(1)
        if bits.fixed(1):
            return None  # scaling lists: rare, and long to read over
    number_bits = bits.golomb() + 4
    order = bits.golomb()
    if order == 0:
        bits.golomb()
    elif order == _COUNTED:
        bits.fixed(1), bits.golomb(), bits.golomb()
        for _ in range(bits.golomb()):
            bits.golomb()
    bits.golomb()
    may_leave_out = bits.fixed(1)
    bits.golomb(), bits.golomb()
    return None if may_leave_out else _Numbering(number_bits, has_planes, has_fields=bits.fixed(1) == 0)
