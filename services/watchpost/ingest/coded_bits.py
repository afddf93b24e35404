"""Reads the bits that a NAL unit of H.264 begins with: whole numbers, of fixed length or in the standard's code."""

__all__ = ["CodedBits"]


class CodedBits:
    """What comes behind the unit's first byte. Each read raises ValueError where the unit is over."""

    def __init__(self, unit: bytes) -> None:
        payload = unit[1:].replace(b"\x00\x00\x03", b"\x00\x00")  # what keeps it from looking like a start code
        self._text, self._at = f"{int.from_bytes(payload, 'big'):0{len(payload) * 8}b}", 0

    def fixed(self, bits: int) -> int:
        """A number of so many bits."""
        value = int(self._text[self._at : self._at + bits], 2)
        self._at += bits
        return value

    def golomb(self) -> int:
        """A number in the code of ITU-T H.264 9.1: as many zeros as it has further bits."""
        zeros = self._text.index("1", self._at) - self._at
        self._at += zeros
        return self.fixed(zeros + 1) - 1

    def skip_bytes(self, count: int) -> None:
        """Read on behind these."""
        self._at += 8 * count
