"""Stands around every call: bounds its body, counts it and logs it, without ever naming what may hold a secret."""

import time
from collections.abc import Mapping

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from watchpost.api.problems import ProblemKind, problem, problem_response
from watchpost.errors import CallError
from watchpost.telemetry import metrics

__all__ = ["BodyLimit", "CallLog"]

_LOG = structlog.get_logger()
_QUIET = frozenset({"/healthz", "/readyz", "/metrics"})


class BodyLimit:
    """Reads a body before anybody works on it, and no further than it may go, whether its length was told or not."""

    def __init__(self, app: ASGIApp, max_body_bytes: int) -> None:
        self._app = app
        self._max_body_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """An ASGI call."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        told = Headers(scope=scope).get("content-length", "0")
        body = None if told.isdecimal() and int(told) > self._max_body_bytes else await self._body(receive)
        if body is None:
            await problem_response(self._too_large())(scope, receive, send)
            return
        await self._app(scope, _replayed(body, receive), send)

    async def _body(self, receive: Receive) -> bytes | None:
        """The whole body; None when it is too large."""
        body = bytearray()
        while True:
            message = await receive()
            if message["type"] != "http.request":
                return bytes(body)  # the caller has gone
            body += message.get("body", b"")
            if len(body) > self._max_body_bytes:
                return None
            if not message.get("more_body", False):
                return bytes(body)

    def _too_large(self) -> CallError:
        return problem(
            ProblemKind.BODY_TOO_LARGE,
            f"the body has more than {self._max_body_bytes} bytes",
            remedy="send less, or have the operator raise api.max_body_bytes",
            headers={"Connection": "close"},
        )


class CallLog:
    """Logs and counts each call by its route, never by its address: a query may hold a password."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """An ASGI call."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began_s = time.monotonic()

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["X-Content-Type-Options"] = "nosniff"
                headers.setdefault("Cache-Control", "no-store")
                _tell(scope, message["status"], time.monotonic() - began_s)
            await send(message)

        await self._app(scope, receive, answer)


def _tell(scope: Scope, status: int, took_s: float) -> None:
    path = getattr(scope.get("route"), "path", "unknown")
    method = scope["method"] if path != "unknown" else "any"
    metrics.API_CALLS.labels(method, path, str(status)).inc()
    metrics.API_CALL_SECONDS.labels(method, path).observe(took_s)
    if path in _QUIET:
        return
    state: Mapping[str, object] = scope.get("state", {})
    caller = getattr(state.get("caller"), "name", None)
    _LOG.info("call", method=method, route=path, status=status, took_ms=round(took_s * 1000), caller=caller)


def _replayed(body: bytes, receive: Receive) -> Receive:
    is_replayed = False

    async def replay() -> Message:
        nonlocal is_replayed
        if is_replayed:
            return await receive()
        is_replayed = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay
