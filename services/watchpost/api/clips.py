"""Shows the clips of events, also in parts, as players ask for them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Header
from starlette.responses import Response, StreamingResponse

from watchpost.api.footage import MP4, PRIVATE, VIDEO, check_may_see, root_of, sent, unreadable
from watchpost.api.guarded_route import GuardedRoute
from watchpost.api.parts import ApiParts, CallerOf, ReadyParts
from watchpost.api.problems import ProblemKind, answers, problem
from watchpost.api.ranges import Span, span_of
from watchpost.api.tokens import Role
from watchpost.clock import from_epoch_us
from watchpost.contracts.clips import had_clip
from watchpost.contracts.recording_rules import may_record
from watchpost.contracts.records import CameraSpec, EventChanged
from watchpost.errors import CallError
from watchpost.recordings import Clips, clip_times

__all__ = ["router"]

router = APIRouter(tags=["events"], route_class=GuardedRoute)

_CUT_WITHIN = timedelta(minutes=2)
_CHUNK_BYTES = 256 * 1024
_Range = Annotated[str | None, Header(alias="Range", description="one range of bytes; others are passed over")]


@router.get(
    "/events/{event_id}/clip.mp4",
    summary="The clip of an event",
    response_class=Response,
    responses={
        200: {"description": "An MP4", **VIDEO},
        206: {"description": "The part of it that Range names", **VIDEO},
        **answers(ProblemKind.NOT_FOUND, ProblemKind.FORBIDDEN, ProblemKind.CLIP_NOT_READY),
    },
)
async def get_clip(
    parts: ReadyParts,
    caller: CallerOf,
    event_id: str,
    wanted: Annotated[
        str | None, Header(alias="Range", description="one range of bytes; others are passed over")
    ] = None,
) -> Response:
    """Some seconds before to some seconds after the event, while it is kept (`recordings.clips`).

    Of a camera with masks, and of events that are not at hand any more: for admins alone.
    """
    event = parts.view.event(event_id)
    spec = None if event is None else parts.view.cameras().get(event.camera)
    if event is None and not caller.role.includes(Role.ADMIN):
        raise _no_clip("no event of this id is at hand", "GET /events lists those that are")
    if event is not None:
        check_may_see(caller, spec)
    clip = await parts.footage.ask(partial(_opened, parts, event_id))
    if clip is None:
        raise _why_none(parts, event, spec)
    span = span_of(wanted, clip.size_bytes)
    headers = {"Accept-Ranges": "bytes", "Cache-Control": PRIVATE, "Content-Length": str(span.length)}
    if span.is_part:
        headers["Content-Range"] = f"bytes {span.begin}-{span.end - 1}/{clip.size_bytes}"
    chunks = _read(clip.path, span)
    return StreamingResponse(sent(parts, chunks), 206 if span.is_part else 200, headers, media_type=MP4)


@dataclass(frozen=True, slots=True)
class _Clip:
    path: Path
    size_bytes: int


def _opened(parts: ApiParts, event_id: str) -> _Clip | None:
    try:
        path = Clips(root_of(parts), parts.settings.recordings.clips, parts.clock).path(event_id)
        return None if path is None else _Clip(path, path.stat().st_size)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise unreadable(error) from None


def _why_none(parts: ApiParts, event: EventChanged | None, spec: CameraSpec | None) -> CallError:
    clips = parts.settings.recordings.clips
    if event is None:
        return _no_clip("there is no clip of this id", "GET /events lists events")
    if not had_clip(event):
        return _no_clip(f"an event of type {event.type} that is {event.phase} has none", "ask for a confirmed one")
    if spec is None or not may_record(spec):
        return _no_clip(f"{event.camera} is not recorded", "set recording.enabled, with masks recording.unmasked too")
    ready_us = clip_times(event, clips.before_s, clips.after_s).to_us
    if parts.clock.now() < from_epoch_us(ready_us) + _CUT_WITHIN:
        return problem(
            ProblemKind.CLIP_NOT_READY,
            f"it shows {clips.after_s:g} s after the event, which are being recorded",
            field="event_id",
            remedy="ask again in some seconds",
            headers={"Retry-After": "5"},
        )
    kept = f"clips are kept {clips.keep_days:g} days, within {clips.max_bytes} bytes; ingest logs those it missed"
    return _no_clip("its clip was missed, or is gone", kept)


def _no_clip(detail: str, remedy: str) -> CallError:
    return problem(ProblemKind.NOT_FOUND, detail, field="event_id", remedy=remedy)


def _read(path: Path, span: Span) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.seek(span.begin)
        left = span.length
        while left:
            chunk = file.read(min(left, _CHUNK_BYTES))
            if not chunk:
                return
            left -= len(chunk)
            yield chunk
