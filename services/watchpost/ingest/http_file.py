"""Gives libav a camera or recording over HTTP as a file, so that it follows nothing that the server says."""

import re
import time
from collections.abc import Iterator
from threading import Event

import httpx

from watchpost.errors import SourceError, SourceFailure
from watchpost.ingest.guarded_addresses import GuardedAddress
from watchpost.ingest.http_requests import PinnedRequests, failure_of
from watchpost.ingest.packets import SourceLimits

__all__ = ["HttpFile"]

_BEGINNING_BYTES = 1024
_PLAYLIST = re.compile(rb"#EXTM3U|\[playlist\]|\[Reference\]|ffconcat|v=0\s|rtsp://|https?://", re.IGNORECASE)
_XML_PLAYLIST = re.compile(rb"<(MPD|ASX|smil|playlist|SmoothStreamingMedia)\b", re.IGNORECASE)


class HttpFile:
    """What the server at the address sends, as the file that PyAV reads. Used by one thread.

    A server that serves ranges is read at any place.

    Args:
        address: an http or https address.
        credentials: user and password.
        limits: how long the opening may take, and the server keep silent.
        stop: ends the file when it is set.

    Raises:
        SourceError: it does not answer, or not with a stream; later from `read` and `seek` as well.
    """

    def __init__(
        self, address: GuardedAddress, credentials: tuple[str, str] | None, limits: SourceLimits, stop: Event
    ) -> None:
        self._name, self._limits, self._stop = address.name, limits, stop
        self._deadline_s: float | None = time.monotonic() + limits.open_timeout_s
        self._requests = PinnedRequests(address, credentials, limits)
        try:
            self._response = self._requests.get()
        except BaseException:
            self._requests.close()
            raise
        self._chunks: Iterator[bytes] = self._response.iter_raw()
        self._left = b""
        self._position = 0
        self._is_checked = False
        headers = self._response.headers
        self._length = int(length) if (length := headers.get("content-length", "")).isdecimal() else None
        self._has_ranges: bool = headers.get("accept-ranges", "").lower() == "bytes"
        self._is_multipart: bool = headers.get("content-type", "").lower().startswith("multipart/x-mixed-replace")

    @property
    def is_multipart(self) -> bool:
        """Whether it is a row of JPEG pictures, which their first bytes do not always tell."""
        return self._is_multipart

    def opened(self) -> None:
        """The opening is over: from now on only each silence is limited."""
        self._deadline_s = None

    def read(self, size: int) -> bytes:
        """At most `size` bytes; none at the end."""
        if self._deadline_s is not None and time.monotonic() > self._deadline_s:
            raise SourceError(SourceFailure.TIMEOUT, f"opening took longer than {self._limits.open_timeout_s:g} s")
        if self._stop.is_set():
            return b""
        if not self._left:
            try:
                self._left = next(self._chunks, b"")
            except httpx.HTTPError as error:
                raise failure_of(error, "reading", self._limits, self._name) from None
        read, self._left = self._left[:size], self._left[size:]
        self._position += len(read)
        self._check_beginning(read)
        return read

    def seekable(self) -> bool:
        """Whether it can be read at any place."""
        return self._length is not None and self._has_ranges

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go to a place; the next bytes come from there."""
        wanted = offset + (0, self._position, self._length or 0)[whence]
        if wanted != self._position:
            self._response.close()
            self._position, self._left, self._chunks = wanted, b"", iter(())
            if wanted < (self._length or 0):
                self._response = self._requests.get(wanted)
                self._chunks = self._response.iter_raw()
        return wanted

    def tell(self) -> int:
        """The place of the next byte."""
        return self._position

    def close(self) -> None:
        """Hang up."""
        self._response.close()
        self._requests.close()

    def _check_beginning(self, first: bytes) -> None:
        """Say what a playlist is. Only for a clear reason: libav is not given the demuxers that would follow one."""
        if not self._is_checked:
            beginning = first[:_BEGINNING_BYTES].removeprefix(b"\xef\xbb\xbf").lstrip()
            if _PLAYLIST.match(beginning) or (beginning[:1] == b"<" and _XML_PLAYLIST.search(beginning)):
                raise SourceError(SourceFailure.REFUSED, "the camera sends a playlist, which is not allowed")
        self._is_checked = True
