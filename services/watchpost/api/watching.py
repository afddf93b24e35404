"""Brings a call to its camera: the one that shows the stream already, or one that is added for the call."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import assert_never

from watchpost.api.call_cameras import CallCameras
from watchpost.api.call_wishes import CallWish
from watchpost.api.joining import find_running
from watchpost.api.looking import begins, failure_from, first_frame
from watchpost.api.parts import ApiParts
from watchpost.api.presence import CameraState
from watchpost.api.problems import ProblemKind, problem
from watchpost.api.subscriptions import Subscription
from watchpost.contracts.records import CameraId, CameraSpec, FrameAnalyzed
from watchpost.errors import CallError, SourceError, SourceFailure
from watchpost.settings import Asked

__all__ = ["Watched", "camera_problem", "watching", "watching_camera"]

# beyond ingest's own patience with a camera: its reason is the better answer
_LOOKED_AT_WITHIN_S = 5.0
_STILL_SO = timedelta(seconds=2)
_EVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Watched:
    """A camera that a call looks at: what came of it since `first`, the frame that the looking begins with."""

    camera: CameraId
    records: Subscription
    first: FrameAnalyzed


@asynccontextmanager
async def watching(wish: CallWish, parts: ApiParts, calls: CallCameras) -> AsyncIterator[Watched]:
    """The stream's camera while the block runs.

    Raises:
        CallError: it cannot be added, or is not watched for what the call asks.
        SourceError: it fails, or nothing of it was analysed in time.
    """
    specs = list(parts.view.cameras().values())
    running = await asyncio.to_thread(find_running, specs, wish.source, parts.clock.now())
    if running is not None:
        async with watching_camera(running, wish.asked, parts) as watched:
            yield watched
        return
    camera = calls.name_of(wish.source)
    async with _watched(camera, wish.asked.tasks, parts, calls.hold(camera, wish)) as watched:
        yield watched


@asynccontextmanager
async def watching_camera(spec: CameraSpec, asked: Asked, parts: ApiParts) -> AsyncIterator[Watched]:
    """A camera of the site while the block runs.

    Raises:
        CallError, SourceError: likewise.
    """
    others = {question.name for question in set(asked.questions) - set(spec.assignment.questions)}
    missing = sorted(others | (set(asked.tasks) - set(spec.assignment.tasks)))
    if missing:
        raise problem(
            ProblemKind.INVALID_REQUEST,
            f"the camera {spec.camera} shows this stream, and is not watched for {', '.join(missing)}",
            field="tasks",
            remedy=f"leave it out, or have the operator add it to the tasks of {spec.camera}",
        )
    async with _watched(spec.camera, asked.tasks, parts, nullcontext(_EVER)) as watched:
        yield watched


@asynccontextmanager
async def _watched(
    camera: CameraId, tasks: Iterable[str], parts: ApiParts, holding: AbstractAsyncContextManager[datetime]
) -> AsyncIterator[Watched]:
    # subscribed before the camera is there: its failure may be the first that is told of it
    async with parts.view.subscribe(camera) as records, holding as since:
        if camera in parts.view.cameras():
            presence = parts.view.presence(camera)
            if presence.state is CameraState.OFFLINE:
                raise failure_from(presence.reason)
        within_s = parts.settings.ingest.open_timeout_s + _LOOKED_AT_WITHIN_S
        first = _now_shown(camera, tasks, since, parts) or await first_frame(records, tasks, since, within_s)
        yield Watched(camera, records, first)


def _now_shown(camera: CameraId, tasks: Iterable[str], since: datetime, parts: ApiParts) -> FrameAnalyzed | None:
    """What a camera that runs already shows now: nobody need wait for its next frame, a second off where all is still.

    Its newest frame says how it is until the next one, which comes sooner when anything moves.
    """
    frame = parts.view.latest_frame(camera)
    if frame is None or not begins(frame, set(tasks), since):
        return None
    return frame if parts.clock.now() - frame.captured_at < _STILL_SO else None


def camera_problem(failure: SourceError) -> CallError:
    """The answer to a call whose camera failed."""
    match failure.reason:
        case SourceFailure.UNAUTHORISED:
            kind, remedy = ProblemKind.CAMERA_UNAUTHORISED, "write the camera's own: rtsp://USER:PASSWORD@HOST/PATH"
        case SourceFailure.UNSUPPORTED:
            kind, remedy = ProblemKind.CAMERA_UNSUPPORTED, "name the camera's video stream itself"
        case (
            SourceFailure.REFUSED
            | SourceFailure.TIMEOUT
            | SourceFailure.NO_KEYFRAME
            | SourceFailure.FROZEN
            | SourceFailure.ENDED
        ):
            kind = ProblemKind.CAMERA_UNREACHABLE
            remedy = "check the address and that the camera runs and sends; GET /readyz tells whether the site works"
        case other:
            assert_never(other)
    return problem(kind, str(failure), field="stream_url", remedy=remedy)
