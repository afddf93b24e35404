"""Answers GET /analyze/stream: what a camera shows, told as it happens, for as long as somebody listens."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Collection
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from difflib import get_close_matches
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from watchpost.api.analyze import CALL_PROBLEMS, Calls, Limited
from watchpost.api.analyze_requests import WatchQuery
from watchpost.api.answers import as_abnormal_event, local_time
from watchpost.api.asking import asked_by_caller
from watchpost.api.call_cameras import CallCameras
from watchpost.api.call_wishes import CallWish
from watchpost.api.guarded_route import GuardedRoute
from watchpost.api.hanging_up import unless_hung_up
from watchpost.api.looking import recent_enough
from watchpost.api.parts import ApiParts, ReadyParts
from watchpost.api.problems import ProblemKind, answers, problem
from watchpost.api.sources import guarded
from watchpost.api.uplink_notes import uplink_warnings
from watchpost.api.watching import Watched, camera_problem, watching, watching_camera
from watchpost.api.window import is_analysed, types_of
from watchpost.contracts.records import (
    CameraId,
    EventChanged,
    EventPhase,
    EventType,
    FrameAnalyzed,
    SpecOrigin,
    Task,
    ThumbnailTaken,
)
from watchpost.errors import SourceError
from watchpost.settings import Asked

__all__ = ["Telling", "router"]

_COUNTED_EVERY_S = 1.0
# proxies close what is silent for a minute
_SILENT_FOR_S = 15.0
_CLIENT_CLOSED = 499
_HEALTH = frozenset({EventType.CAMERA_OFFLINE, EventType.CAMERA_ONLINE, EventType.ANALYSIS_DEGRADED})
_EXAMPLE = """event: observation
data: {"time": "12:05:22", "person_count": 3}

event: event
data: {"type": "fall_detected", "time": "12:05:23", "confidence": 0.87}

event: thumbnail
data: {"time": "12:05:23", "jpeg": "/9j/4AAQSkZJRgABAQ…"}

: still watching

"""

router = APIRouter(tags=["analyze"], route_class=GuardedRoute)


class _Stream(StreamingResponse):
    """Server-sent events; `held` is left when they end, whoever ends them."""

    media_type = "text/event-stream"

    def __init__(self, told: AsyncIterator[str], held: AbstractAsyncContextManager[Any]) -> None:
        # a proxy that gathers the answer before it passes it on would show nothing for ever
        super().__init__(told, headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        self._held = held

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with self._held:
            await super().__call__(scope, receive, send)


@router.get(
    "/analyze/stream",
    summary="Go on watching a stream",
    status_code=200,  # FastAPI looks for it in the constructor of the response class, which names none here
    response_class=_Stream,
    dependencies=[Limited],
    responses={
        200: {
            "description": "Server-sent events, until the caller hangs up",
            "content": {"text/event-stream": {"schema": {"type": "string"}, "example": _EXAMPLE}},
        },
        **answers(*CALL_PROBLEMS, ProblemKind.NOT_FOUND),
    },
)
async def watch(query: Annotated[WatchQuery, Query()], request: Request, parts: ReadyParts, calls: Calls) -> Response:
    """Tell what a camera shows as it happens: the parameters of POST /analyze as a query, without a window.

    `observation` says how many people there are, at most once a second; `event` tells what was confirmed, and when the
    camera goes offline, comes back, or is not looked at as it should be (`analysis_degraded`); `thumbnail` is its
    newest picture. A `warning` comes first where the `uplink` asked for does not hold or fit. Comments keep the
    connection open. Events carry no id: who comes back after a break begins anew (what was missed: GET /events). Who
    hangs up frees the camera.
    """
    held = AsyncExitStack()
    opened = await unless_hung_up(request, _opened(held, query, parts, calls))
    if opened is None:
        await held.aclose()
        return Response(status_code=_CLIENT_CLOSED)
    watched, asked = opened
    # its first thumbnail may have come before its first frame, and the next one is an interval away
    shows = recent_enough(parts.view.latest_thumbnail(watched.camera), watched.first)
    warnings = uplink_warnings(query.uplink, watched.camera, parts)
    return _Stream(_told(watched, shows, Telling(asked.tasks, parts.settings.site.zone), warnings), held)


async def _opened(
    held: AsyncExitStack, query: WatchQuery, parts: ApiParts, calls: CallCameras
) -> tuple[Watched, Asked]:
    """The camera that the query names, watched until `held` is left, and what is asked of it.

    It is left at once when this fails or is cancelled.
    """
    watching_it, asked = await _named(query, parts, calls)
    try:
        return await held.enter_async_context(watching_it), asked
    except SourceError as failure:
        raise camera_problem(failure) from None


async def _named(
    query: WatchQuery, parts: ApiParts, calls: CallCameras
) -> tuple[AbstractAsyncContextManager[Watched], Asked]:
    if (query.stream_url is None) == (query.camera is None):
        raise problem(
            ProblemKind.INVALID_REQUEST,
            "either stream_url or camera is needed, and not both",
            field="stream_url",
            remedy="name a stream by stream_url=rtsp://…, or a camera of the site by camera=NAME",
        )
    if query.camera is not None:
        return _camera_named(query.camera, query, parts)
    asked = asked_by_caller(parts.settings, query.tasks)
    source = await guarded(parts, query.stream_url or "", "stream_url")
    if source.credentials is not None:
        raise problem(
            ProblemKind.SOURCE_REFUSED,
            "it holds a user and a password, and the address of a request is logged on its way",
            field="stream_url",
            remedy="add the camera by POST /cameras, then watch it by camera=NAME; change the password, too",
        )
    wish = CallWish(source, asked, query.mode, query.thumbnail_interval)
    return watching(wish, parts, calls), asked


def _camera_named(name: str, query: WatchQuery, parts: ApiParts) -> tuple[AbstractAsyncContextManager[Watched], Asked]:
    cameras = parts.view.cameras()
    spec = cameras.get(CameraId(name))
    asked = asked_by_caller(parts.settings, query.tasks, () if spec is None else spec.assignment.questions)
    if spec is None or spec.origin is SpecOrigin.ANALYZE:
        near = get_close_matches(name, cameras, n=1)
        remedy = f"did you mean {near[0]}?" if near else "GET /cameras lists those that there are"
        raise problem(ProblemKind.NOT_FOUND, f"there is no camera {name!r}", field="camera", remedy=remedy)
    return watching_camera(spec, asked, parts), asked


class Telling:
    """Turns a camera's records into server-sent events; times are seconds of a monotonic clock.

    Args:
        tasks: what was asked for.
        zone: the site's time zone.
    """

    def __init__(self, tasks: Collection[str], zone: ZoneInfo) -> None:
        self._counts = Task.PERSON_DETECTION in tasks
        self._types: frozenset[str] = _HEALTH | types_of(tasks)
        self._zone = zone
        self._told: set[str] = set()
        self._pictured: str | None = None
        self._uncounted: FrameAnalyzed | None = None
        self._counted_s = float("-inf")
        self._said_s = float("-inf")

    def take(self, record: object, now_s: float) -> list[str]:
        """What is to be said now that `record` came."""
        said: list[str] = []
        match record:
            case FrameAnalyzed() if self._counts and is_analysed(record):
                self._uncounted = record
            case EventChanged(phase=EventPhase.CONFIRMED) if record.type in self._types:
                if record.event_id not in self._told:
                    self._told.add(record.event_id)
                    said.append(_event("event", as_abnormal_event(record, self._zone).model_dump()))
            case ThumbnailTaken() if record.thumbnail_id != self._pictured:
                self._pictured = record.thumbnail_id
                jpeg = base64.b64encode(record.jpeg).decode()
                said.append(_event("thumbnail", {"time": local_time(record.taken_at, self._zone), "jpeg": jpeg}))
            case _:
                pass
        return self._noted(said, now_s) + self.due(now_s)

    def due(self, now_s: float) -> list[str]:
        """What is to be said now although nothing came."""
        said: list[str] = []
        if self._uncounted is not None and now_s - self._counted_s >= _COUNTED_EVERY_S:
            frame, self._uncounted, self._counted_s = self._uncounted, None, now_s
            time = local_time(frame.captured_at, self._zone)
            said.append(_event("observation", {"time": time, "person_count": frame.person_count}))
        elif now_s - self._said_s >= _SILENT_FOR_S:
            said.append(": still watching\n\n")
        return self._noted(said, now_s)

    def next_due_s(self) -> float:
        """When `due` is to be asked again at the latest."""
        silent_s = self._said_s + _SILENT_FOR_S
        return silent_s if self._uncounted is None else min(silent_s, self._counted_s + _COUNTED_EVERY_S)

    def _noted(self, said: list[str], now_s: float) -> list[str]:
        if said:
            self._said_s = now_s
        return said


async def _told(
    watched: Watched, shows: ThumbnailTaken | None, telling: Telling, warnings: Collection[str]
) -> AsyncIterator[str]:
    now_s = asyncio.get_running_loop().time
    for warning in warnings:
        yield _event("warning", {"detail": warning})
    for begin in (watched.first, shows):
        for said in telling.take(begin, now_s()):
            yield said
    while True:
        try:
            async with asyncio.timeout_at(telling.next_due_s()):
                record = (await watched.records.get()).record
        except TimeoutError:
            lines = telling.due(now_s())
        else:
            lines = telling.take(record, now_s())
        for said in lines:
            yield said


def _event(name: str, data: dict[str, Any]) -> str:
    return f"event: {name}\ndata: {json.dumps(data)}\n\n"
