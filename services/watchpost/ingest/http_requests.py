"""Asks a web server at its pinned address, and takes no other answer than the stream that was asked for."""

import ssl
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import httpx

from watchpost.errors import SourceError, SourceFailure
from watchpost.ingest.deadlines import hung_up_after
from watchpost.ingest.guarded_addresses import GuardedAddress
from watchpost.ingest.packets import SourceLimits
from watchpost.ingest.rtsp_replies import REDIRECTED

__all__ = ["PinnedRequests", "failure_of"]


class PinnedRequests:
    """Requests to one address: to it only, without proxies, each on a connection of its own, a redirect is a refusal.

    Args:
        address: an http or https address.
        credentials: user and password; they are sent after the server asked for them, Digest before Basic.
        limits: how long the server may take for the head of an answer, and keep silent.
    """

    def __init__(self, address: GuardedAddress, credentials: tuple[str, str] | None, limits: SourceLimits) -> None:
        self._address, self._credentials, self._limits = address, credentials, limits
        self._client = httpx.Client(
            verify=address.tls() if address.is_encrypted else False,
            trust_env=False,
            follow_redirects=False,
            timeout=httpx.Timeout(limits.read_timeout_s, connect=limits.open_timeout_s),
            limits=httpx.Limits(max_keepalive_connections=0),
        )

    def get(self, offset: int = 0) -> httpx.Response:
        """The open answer, from the byte at `offset` on. The caller closes it.

        Raises:
            SourceError: there is no answer, or another one.
        """
        request = self._request(offset)
        response = self._sent(request)
        if response.status_code == httpx.codes.UNAUTHORIZED and self._credentials is not None:
            # its body is not read: it may have no end
            response.close()
            authenticated = _authenticated(request, response, self._credentials)
            response = response if authenticated is None else self._sent(authenticated)
        try:
            _check(response, offset)
        except SourceError:
            response.close()
            raise
        return response

    def close(self) -> None:
        """Hang up."""
        self._client.close()

    def _request(self, offset: int) -> httpx.Request:
        address = self._address
        url = f"{address.scheme}://{address.bracketed_ip}:{address.port}{address.rest}"
        headers = {"Accept": "*/*", "Accept-Encoding": "identity", "User-Agent": "Watchpost"}
        if offset:
            headers["Range"] = f"bytes={offset}-"
        try:
            if address.name is None:
                return self._client.build_request("GET", url, headers=headers)
            is_usual = httpx.URL(url).port is None
            headers["Host"] = address.name if is_usual else f"{address.name}:{address.port}"
            return self._client.build_request("GET", url, headers=headers, extensions={"sni_hostname": address.name})
        except httpx.InvalidURL:
            raise SourceError(SourceFailure.UNSUPPORTED, "its address cannot be asked for over HTTP") from None

    def _sent(self, request: httpx.Request) -> httpx.Response:
        began_s = time.monotonic()
        with ExitStack() as watch:

            def note(event: str, info: dict[str, Any]) -> None:
                if event == "connection.connect_tcp.complete":
                    connection = info["return_value"].get_extra_info("socket")
                    watch.enter_context(hung_up_after(connection, self._limits.open_timeout_s))

            request.extensions["trace"] = note
            try:
                return self._client.send(request, auth=None, stream=True)
            except httpx.HTTPError as error:
                is_late = time.monotonic() - began_s >= self._limits.open_timeout_s
                late = httpx.ConnectTimeout("") if is_late else error
                raise failure_of(late, "opening", self._limits, self._address.name) from None


def failure_of(error: httpx.HTTPError, doing: str, limits: SourceLimits, name: str | None) -> SourceError:
    """What `error` means for a camera; who raises it should do so `from None`, as its cause may name the address.

    Args:
        error: what httpx raised.
        doing: for people: opening or reading.
        limits: what was waited for.
        name: which a certificate had to prove.
    """
    causes = list(_causes(error))
    if isinstance(error, httpx.TimeoutException):
        limit_s = limits.open_timeout_s if isinstance(error, httpx.ConnectTimeout) else limits.read_timeout_s
        return SourceError(SourceFailure.TIMEOUT, f"{doing} took longer than {limit_s:g} s")
    if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes):
        return SourceError(SourceFailure.REFUSED, f"the camera's certificate is not valid for {name}")
    reason = SourceFailure.ENDED if doing == "reading" else SourceFailure.REFUSED
    said = next((cause.strerror for cause in causes if isinstance(cause, OSError) and cause.strerror), None)
    return SourceError(reason, f"{doing} failed: {said or type(error).__name__}")


def _authenticated(
    request: httpx.Request, challenged: httpx.Response, credentials: tuple[str, str]
) -> httpx.Request | None:
    """The request with what the server asked for; None where it asked for something unknown."""
    if "digest" not in " ".join(challenged.headers.get_list("www-authenticate")).lower():
        return next(httpx.BasicAuth(*credentials).auth_flow(request))
    flow = httpx.DigestAuth(*credentials).auth_flow(request)
    next(flow)
    try:
        return flow.send(challenged)
    # what httpx makes of a challenge that is none, or of a kind that it does not know
    except (StopIteration, httpx.HTTPError, KeyError, NotImplementedError):
        return None


def _check(response: httpx.Response, offset: int) -> None:
    code = response.status_code
    if 300 <= code < 400:  # noqa: PLR2004  (the class of redirects)
        raise SourceError(SourceFailure.REFUSED, REDIRECTED)
    if code in {httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN}:
        raise SourceError(SourceFailure.UNAUTHORISED, f"opening failed: the server answers {code}")
    if code != (httpx.codes.PARTIAL_CONTENT if offset else httpx.codes.OK):
        raise SourceError(SourceFailure.REFUSED, f"opening failed: the server answers {code}")
    if offset and not str(response.headers.get("content-range", "")).startswith(f"bytes {offset}-"):
        raise SourceError(SourceFailure.UNSUPPORTED, "the server sends another range than it was asked for")


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
