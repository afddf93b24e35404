"""Reads a camera or recording over HTTP from its pinned address, so that libav follows nothing that the server says."""

import re
import ssl
import time
from collections.abc import Iterator
from threading import Event

import httpx

from watchpost.errors import SourceError, SourceFailure
from watchpost.ingest.guarded_addresses import GuardedAddress
from watchpost.ingest.packets import SourceLimits
from watchpost.ingest.rtsp_replies import REDIRECTED

__all__ = ["HttpFile"]

_BEGINNING_BYTES = 1024
_PLAYLIST = re.compile(rb"#EXTM3U|\[playlist\]|\[Reference\]|ffconcat|v=0\s|rtsp://|https?://", re.IGNORECASE)
_XML_PLAYLIST = re.compile(rb"<(MPD|ASX|smil|playlist|SmoothStreamingMedia)\b", re.IGNORECASE)


class HttpFile:
    """What the server at the address sends, as the file that PyAV reads. Used by one thread.

    It goes to the pinned address only, without proxies, and takes a redirect for a refusal. A server that serves
    ranges is read at any place.

    Args:
        address: an http or https address.
        credentials: user and password; they are sent after the server asked for them, Digest before Basic.
        limits: how long the server may keep silent.
        stop: ends the file when it is set.

    Raises:
        SourceError: it does not answer, or not with a stream; later from `read` and `seek` as well.
    """

    def __init__(
        self, address: GuardedAddress, credentials: tuple[str, str] | None, limits: SourceLimits, stop: Event
    ) -> None:
        self._address, self._credentials, self._limits, self._stop = address, credentials, limits, stop
        timeout = httpx.Timeout(limits.read_timeout_s, connect=limits.open_timeout_s)
        tls = address.tls() if address.is_encrypted else False
        self._client = httpx.Client(verify=tls, trust_env=False, follow_redirects=False, timeout=timeout)
        self._auth: httpx.Auth | None = None
        self._deadline_s: float | None = time.monotonic() + limits.open_timeout_s
        self._position = 0
        self._left = b""
        self._is_checked = False
        try:
            self._response = self._requested()
        except BaseException:
            self._client.close()
            raise
        self._chunks: Iterator[bytes] = self._response.iter_raw()
        length = self._response.headers.get("content-length", "")
        self._length = int(length) if length.isdigit() else None
        self._has_ranges = str(self._response.headers.get("accept-ranges", "")).lower() == "bytes"

    @property
    def multipart(self) -> bool:
        """Whether it is a row of JPEG pictures, which their first bytes do not always tell."""
        return str(self._response.headers.get("content-type", "")).lower().startswith("multipart/x-mixed-replace")

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
                raise self._failure(error, "reading", self._limits.read_timeout_s) from None
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
                self._response = self._requested(wanted)
                self._chunks = self._response.iter_raw()
        return wanted

    def tell(self) -> int:
        """The place of the next byte."""
        return self._position

    def close(self) -> None:
        """Hang up."""
        self._response.close()
        self._client.close()

    def _check_beginning(self, first: bytes) -> None:
        """Say what a playlist is. Only for a clear reason: libav is not given the demuxers that would follow one."""
        if not self._is_checked:
            beginning = first[:_BEGINNING_BYTES].removeprefix(b"\xef\xbb\xbf").lstrip()
            if _PLAYLIST.match(beginning) or (beginning[:1] == b"<" and _XML_PLAYLIST.search(beginning)):
                raise SourceError(SourceFailure.REFUSED, "the camera sends a playlist, which is not allowed")
        self._is_checked = True

    def _requested(self, offset: int = 0) -> httpx.Response:
        response = self._sent(offset)
        challenge = " ".join(response.headers.get_list("www-authenticate")).lower()
        if response.status_code == httpx.codes.UNAUTHORIZED and self._credentials and self._auth is None:
            response.close()
            self._auth = (httpx.DigestAuth if "digest" in challenge else httpx.BasicAuth)(*self._credentials)
            response = self._sent(offset)
        try:
            _check_answer(response, offset)
        except SourceError:
            response.close()
            raise
        return response

    def _sent(self, offset: int) -> httpx.Response:
        address = self._address
        url = f"{address.scheme}://{address.bracketed_ip}:{address.port}{address.rest}"
        headers = {"Accept": "*/*", "Accept-Encoding": "identity", "User-Agent": "Watchpost"}
        if address.name is not None:
            is_usual = httpx.URL(url).port is None
            headers["Host"] = address.name if is_usual else f"{address.name}:{address.port}"
        if offset:
            headers["Range"] = f"bytes={offset}-"
        extensions = {"sni_hostname": address.name} if address.name is not None else {}
        try:
            request = self._client.build_request("GET", url, headers=headers, extensions=extensions)
            return self._client.send(request, auth=self._auth, stream=True)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise self._failure(error, "opening", self._limits.open_timeout_s) from None

    def _failure(self, error: Exception, doing: str, limit_s: float) -> SourceError:
        if isinstance(error, httpx.TimeoutException):
            limit_s = limit_s if isinstance(error, httpx.ConnectTimeout) else self._limits.read_timeout_s
            return SourceError(SourceFailure.TIMEOUT, f"{doing} took longer than {limit_s:g} s")
        if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in _causes(error)):
            problem = f"the camera's certificate is not valid for {self._address.name}"
            return SourceError(SourceFailure.REFUSED, problem)
        reason = SourceFailure.ENDED if doing == "reading" else SourceFailure.REFUSED
        said = next((cause.strerror for cause in _causes(error) if isinstance(cause, OSError) and cause.strerror), None)
        return SourceError(reason, f"{doing} failed: {said or type(error).__name__}")


def _check_answer(response: httpx.Response, offset: int) -> None:
    code = response.status_code
    if response.is_redirect or 300 <= code < 400:  # noqa: PLR2004  (the class of redirects)
        raise SourceError(SourceFailure.REFUSED, REDIRECTED)
    if code in {httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN}:
        raise SourceError(SourceFailure.UNAUTHORISED, f"opening failed: the server answers {code}")
    if code != (httpx.codes.PARTIAL_CONTENT if offset else httpx.codes.OK):
        raise SourceError(SourceFailure.REFUSED, f"opening failed: the server answers {code}")
    if offset and not str(response.headers.get("content-range", "")).startswith(f"bytes {offset}-"):
        raise SourceError(SourceFailure.UNSUPPORTED, "the server sends another range than it was asked for")


def _causes(error: BaseException | None) -> list[BaseException]:
    found: list[BaseException] = []
    while error is not None and error not in found:
        found.append(error)
        error = error.__cause__ or error.__context__
    return found
