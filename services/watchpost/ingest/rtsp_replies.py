"""Lets through, of what an RTSP camera sends, only what cannot lead elsewhere, written anew so that nothing hides.

libavformat follows a 3xx reply to any address by itself and cannot be told not to. Who filters what another parser
reads must not guess how that parser reads: every message is taken apart here and written again in the plainest form,
with the headers that a player needs and without `Location`.
"""

import re

from watchpost.errors import SourceError, SourceFailure

__all__ = ["REDIRECTED", "ReplyFilter"]

REDIRECTED = "the camera redirects to another address, which is not allowed"

_LONGEST_HEAD_BYTES = 65_536
_LONGEST_BODY_BYTES = 1_048_576
_LONGEST_NOISE_BYTES = 1_048_576
_FRAME_HEAD_BYTES = 4
_DOLLAR = ord("$")
_HEAD_END = re.compile(rb"\r*\n\r*\n")
_REPLY = re.compile(rb"RTSP/\d\.\d +(\d{3})(?: +(.*))?", re.ASCII)
_REQUEST = re.compile(rb"([A-Z_]{3,20}) \S+ RTSP/\d\.\d")
_START = re.compile(rb"RTSP/|[A-Z_]{3,20} [^\s]{1,200} RTSP/")
_NEXT = re.compile(rb"\$[\x00-\x1f]|RTSP/\d")
_CONTROL = re.compile(rb"[\x00-\x1f\x7f]")
_NOT_BEGUN_BYTES = 256
_HEADERS = {
    name.lower(): name
    for name in (
        b"CSeq",
        b"Session",
        b"Transport",
        b"Content-Type",
        b"Content-Base",
        b"WWW-Authenticate",
        b"Authentication-Info",
        b"Range",
        b"RTP-Info",
        b"Public",
        b"Server",
    )
}


class ReplyFilter:
    """One connection's bytes from the camera, in pieces of any size.

    filter = ReplyFilter()
    viewer.sendall(filter.feed(camera.recv(65536)))
    """

    def __init__(self) -> None:
        self._rest = b""
        self._noise_bytes = 0

    def feed(self, received: bytes) -> bytes:
        """What may be passed on by now.

        Raises:
            SourceError: refused where the camera redirects, unsupported where it does not speak RTSP.
        """
        self._rest += received
        passed: list[bytes] = []
        position = 0
        while position < len(self._rest):
            after = self._one(position, passed)
            if after == position:
                break
            position = after
        self._rest = self._rest[position:]
        return b"".join(passed)

    def _one(self, begin: int, passed: list[bytes]) -> int:
        """Take one message; returns where the next begins, or `begin` where this one is not whole yet."""
        first = self._rest[begin]
        if first == _DOLLAR:
            return self._frame(begin, passed)
        if first in b"\r\n":
            return begin + 1
        if _START.match(self._rest, begin):
            return self._message(begin, passed)
        return self._noise(begin)

    def _frame(self, begin: int, passed: list[bytes]) -> int:
        """Interleaved RTP or RTCP: `$`, the channel, the length in two bytes, as many bytes."""
        payload = begin + _FRAME_HEAD_BYTES
        if payload > len(self._rest):
            return begin
        end = payload + int.from_bytes(self._rest[begin + 2 : payload])
        if end > len(self._rest):
            return begin
        self._noise_bytes = 0
        passed.append(self._rest[begin:end])
        return end

    def _message(self, begin: int, passed: list[bytes]) -> int:
        head_end = _HEAD_END.search(self._rest, begin)
        if head_end is None:
            if len(self._rest) - begin > _LONGEST_HEAD_BYTES:
                raise SourceError(SourceFailure.UNSUPPORTED, "its reply has no end")
            return begin
        first, *lines = self._rest[begin : head_end.start()].replace(b"\r", b"").split(b"\n")
        first = _first_line(first)
        if not first:
            return self._noise(begin)
        headers, length = _headers(lines)
        end = head_end.end() + length
        if end > len(self._rest):
            return begin
        self._noise_bytes = 0
        body = self._rest[head_end.end() : end]
        passed.append(b"\r\n".join([first, *headers, b"Content-Length: %d" % length, b"", body]))
        return end

    def _noise(self, begin: int) -> int:
        """Bytes of no message, as cameras send them when they lose some: passed over up to what looks like the next."""
        found = _NEXT.search(self._rest, begin + 1)
        if found is None and len(self._rest) - begin < _NOT_BEGUN_BYTES:
            return begin  # the beginning of a message may be cut off
        after = found.start() if found else len(self._rest) - _NOT_BEGUN_BYTES // 2
        self._noise_bytes += after - begin
        if self._noise_bytes > _LONGEST_NOISE_BYTES:
            raise SourceError(SourceFailure.UNSUPPORTED, "it does not speak RTSP")
        return after


def _first_line(line: bytes) -> bytes:
    """In the plainest form; empty where it is none."""
    if reply := _REPLY.match(line):
        if reply[1].startswith(b"3"):
            raise SourceError(SourceFailure.REFUSED, REDIRECTED)
        return b"RTSP/1.0 %s %s" % (reply[1], _CONTROL.sub(b"", reply[2] or b"-"))
    if (request := _REQUEST.match(line)) and request[1] != b"REDIRECT":
        return b"%s * RTSP/1.0" % request[1]
    if request:
        raise SourceError(SourceFailure.REFUSED, REDIRECTED)
    return b""


def _headers(lines: list[bytes]) -> tuple[list[bytes], int]:
    """The lines that are passed on, and the length of the body."""
    kept: list[bytes] = []
    lengths = {b"0"}
    for line in lines:
        name, _, value = line.partition(b":")
        value = _CONTROL.sub(b"", value).strip()
        if name.strip().lower() == b"content-length":
            lengths = (lengths - {b"0"}) | {value}
        elif (known := _HEADERS.get(name.strip().lower())) is not None:
            kept.append(b"%s: %s" % (known, value))
    (length, *others) = lengths
    if others or not length.isdigit() or int(length) > _LONGEST_BODY_BYTES:
        raise SourceError(SourceFailure.UNSUPPORTED, "its reply does not say how long it is")
    return kept, int(length)
