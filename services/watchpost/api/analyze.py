"""Answers POST /analyze: a stream goes in, and what its camera showed for a while comes out."""

import asyncio
import math
from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from watchpost.api.analyze_requests import AnalyzeRequest
from watchpost.api.answers import AnalyzeAnswer, answered
from watchpost.api.asking import asked_by_caller
from watchpost.api.call_cameras import CallCameras
from watchpost.api.call_wishes import CallWish
from watchpost.api.guarded_route import GuardedRoute
from watchpost.api.hanging_up import unless_hung_up
from watchpost.api.looking import fill, recent_enough, wait_for_thumbnail
from watchpost.api.parts import ApiParts, CallerOf, Parts, ReadyParts
from watchpost.api.problems import ProblemKind, answers, problem
from watchpost.api.sources import guarded
from watchpost.api.uplink_notes import uplink_warnings
from watchpost.api.watching import Watched, camera_problem, watching
from watchpost.api.window import Window
from watchpost.contracts.records import ThumbnailTaken
from watchpost.errors import SourceError

__all__ = ["CALL_PROBLEMS", "Calls", "Limited", "router"]

# the first thumbnail of a camera may be on its way when a short window ends: a late answer is better than none
_THUMBNAIL_WITHIN_S = 2.0
_BLIND_AFTER_S = 5.0
_CLIENT_CLOSED = 499

CALL_PROBLEMS = (
    ProblemKind.INVALID_REQUEST,
    ProblemKind.UNKNOWN_TASK,
    ProblemKind.SOURCE_REFUSED,
    ProblemKind.CAMERA_UNREACHABLE,
    ProblemKind.CAMERA_UNAUTHORISED,
    ProblemKind.CAMERA_UNSUPPORTED,
    ProblemKind.UNAUTHENTICATED,
    ProblemKind.FORBIDDEN,
    ProblemKind.CROSS_SITE,
    ProblemKind.MAX_STREAMS,
    ProblemKind.TOO_MANY_CALLS,
    ProblemKind.NOT_READY,
    ProblemKind.OVERLOADED,
)

router = APIRouter(tags=["analyze"], route_class=GuardedRoute)


def _call_cameras_of(request: Request) -> CallCameras:
    calls: CallCameras = request.app.state.call_cameras
    return calls


async def _limited(parts: Parts, caller: CallerOf) -> None:
    wait_s = parts.limiter.take(caller.name)
    if wait_s is not None:
        most = parts.settings.api.calls_per_minute
        raise problem(
            ProblemKind.TOO_MANY_CALLS,
            f"{caller.name} calls more than {most} times a minute",
            remedy=f"call again in {math.ceil(wait_s)} s, or go on watching with GET /analyze/stream",
            headers={"Retry-After": str(math.ceil(wait_s))},
        )


Calls = Annotated[CallCameras, Depends(_call_cameras_of)]
"""The cameras that calls look at."""
Limited = Depends(_limited)
"""A dependency that refuses a caller who calls too often."""


@router.post(
    "/analyze",
    summary="Look at a stream for a while",
    response_model=AnalyzeAnswer,
    response_model_exclude_defaults=True,
    response_description="What was seen",
    dependencies=[Limited],
    responses=answers(
        *CALL_PROBLEMS, ProblemKind.MALFORMED_BODY, ProblemKind.BODY_TOO_LARGE, ProblemKind.UNSUPPORTED_MEDIA_TYPE
    ),
)
async def analyze(asked: AnalyzeRequest, request: Request, parts: ReadyParts, calls: Calls) -> AnalyzeAnswer | Response:
    """Look at a stream for `window_seconds` and tell what was seen.

    The stream is watched as a camera of the site: as the one that shows it already (same address, same credentials),
    or as one that is added for as long as calls look at it; any number of calls at once share it. The answer comes
    when the window is over, which begins with the first frame that was analysed. Who hangs up frees the camera.
    """
    answer = await unless_hung_up(request, _analyzed(asked, parts, calls))
    return Response(status_code=_CLIENT_CLOSED) if answer is None else answer


async def _analyzed(asked: AnalyzeRequest, parts: ApiParts, calls: CallCameras) -> AnalyzeAnswer:
    window_s = _window_s(asked, parts.settings.api.window_max_s)
    tasks = asked_by_caller(parts.settings, asked.tasks)
    source = await guarded(parts, asked.stream_url, "stream_url")
    wish = CallWish(source, tasks, asked.output.mode, asked.output.thumbnail_interval)
    try:
        async with watching(wish, parts, calls) as watched:
            until_s = asyncio.get_running_loop().time() + window_s
            window = Window(watched.first)
            await fill(window, watched.records, until_s, _blind_after_s(parts))
            thumbnail = await _thumbnail(window, watched, parts)
            warnings = uplink_warnings(asked.output.uplink, watched.camera, parts)
    except SourceError as failure:
        raise camera_problem(failure) from None
    return answered(tasks.tasks, window, thumbnail, parts.settings.site.zone, warnings)


def _window_s(asked: AnalyzeRequest, most_s: float) -> float:
    if "window_seconds" not in asked.model_fields_set:
        return min(asked.window_seconds, most_s)
    if asked.window_seconds > most_s:
        raise problem(
            ProblemKind.INVALID_REQUEST,
            f"{asked.window_seconds:g} s are more than api.window_max_s ({most_s:g})",
            field="window_seconds",
            remedy=f"ask for {most_s:g} at most, or go on watching with GET /analyze/stream",
        )
    return asked.window_seconds


def _blind_after_s(parts: ApiParts) -> float:
    """So long without a frame is more than a slow camera: some were missed, or the stream stands still."""
    return max(_BLIND_AFTER_S, 3 / parts.settings.ingest.idle_fps)


async def _thumbnail(window: Window, watched: Watched, parts: ApiParts) -> ThumbnailTaken:
    """The newest in the window, else the one that stood when it began, else the next one."""
    newest = (
        window.newest_thumbnail
        or recent_enough(parts.view.latest_thumbnail(watched.camera), window.first)
        or await wait_for_thumbnail(window, watched.records, _THUMBNAIL_WITHIN_S)
    )
    if newest is None:
        raise problem(
            ProblemKind.NOT_READY,
            f"frames of {watched.camera} were analysed, but no thumbnail of it came",
            remedy="call again; GET /readyz of the events service tells what it waits for",
            headers={"Retry-After": "5"},
        )
    return newest
