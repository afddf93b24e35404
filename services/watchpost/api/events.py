"""Shows what happened at the site lately, and the pictures of it."""

from typing import Annotated, Any

from fastapi import APIRouter, Header, Query
from starlette.responses import Response

from watchpost.api.event_shapes import EventList, EventShown, shown_event
from watchpost.api.guarded_route import GuardedRoute
from watchpost.api.moments import Moment
from watchpost.api.parts import ReadyParts
from watchpost.api.problems import ProblemKind, answers, problem
from watchpost.contracts.records import CameraId, ThumbnailTaken

__all__ = ["router"]

router = APIRouter(tags=["events"], route_class=GuardedRoute)

_JPEG = "image/jpeg"
_PICTURE: dict[int | str, dict[str, Any]] = {
    200: {"description": "A JPEG", "content": {_JPEG: {"schema": {"type": "string", "format": "binary"}}}},
    304: {"description": "The caller has it already"},
    **answers(ProblemKind.NOT_FOUND),
}
_FOR_EVER = "private, max-age=31536000, immutable"
_ASK_AGAIN = "private, no-cache"


_Known = Annotated[str | None, Header(alias="If-None-Match", description="the ETag of what the caller has")]


@router.get("/events", summary="What happened lately", responses=answers(ProblemKind.INVALID_REQUEST))
async def list_events(
    parts: ReadyParts,
    camera: Annotated[str | None, Query(description="of this camera")] = None,
    type: Annotated[str | None, Query(description="of this type, such as `fall_detected`")] = None,  # noqa: A002  (the parameter's name)
    since: Annotated[
        Moment | None,
        Query(description="no older ones; with its zone, `2026-01-05T12:00:00Z` (a + is written %2B)"),
    ] = None,
    limit: Annotated[int, Query(ge=1, le=500, description="at most so many")] = 100,
) -> EventList:
    """The newest first, each in its highest revision. Of each camera about the last thousand are at hand."""
    chosen = parts.view.recent_events(None if camera is None else CameraId(camera), since, limit, type)
    cameras = parts.view.cameras()
    return EventList(events=[shown_event(event, cameras.get(event.camera)) for event in chosen])


@router.get("/events/{event_id}", summary="One event", responses=answers(ProblemKind.NOT_FOUND))
async def get_event(parts: ReadyParts, event_id: str) -> EventShown:
    """The event in its highest revision, while it is at hand."""
    event = parts.view.event(event_id)
    if event is None:
        raise problem(
            ProblemKind.NOT_FOUND,
            "no event of this id is at hand",
            field="event_id",
            remedy="GET /events lists those that are; older ones are at the centre",
        )
    return shown_event(event, parts.view.cameras().get(event.camera))


@router.get("/thumbnails/{thumbnail_id}", summary="A picture", response_class=Response, responses=_PICTURE)
async def get_thumbnail(parts: ReadyParts, thumbnail_id: str, known: _Known = None) -> Response:
    """The picture that an event names, while it is at hand. It never changes."""
    return _picture(parts.view.thumbnail(thumbnail_id), known, "thumbnail_id", _FOR_EVER)


@router.get(
    "/cameras/{name}/thumbnail", summary="A camera's newest picture", response_class=Response, responses=_PICTURE
)
async def get_newest_thumbnail(parts: ReadyParts, name: str, known: _Known = None) -> Response:
    """The newest thumbnail, at most `thumbnail_interval_s` old while the camera delivers pictures."""
    camera = CameraId(name)
    newest = parts.view.latest_thumbnail(camera) if camera in parts.view.cameras() else None
    return _picture(newest, known, "name", _ASK_AGAIN)


def _picture(thumbnail: ThumbnailTaken | None, known: str | None, field: str, cache: str) -> Response:
    if thumbnail is None:
        raise problem(
            ProblemKind.NOT_FOUND,
            "no such picture is at hand",
            field=field,
            remedy="GET /cameras lists cameras, GET /events names pictures; a camera's first comes after some seconds",
        )
    tag = f'"{thumbnail.thumbnail_id}"'
    headers = {"ETag": tag, "Cache-Control": cache, "Watchpost-Taken-At": thumbnail.taken_at.isoformat()}
    if known is not None and tag in [entry.strip().removeprefix("W/") for entry in known.split(",")]:
        return Response(status_code=304, headers=headers)
    return Response(thumbnail.jpeg, headers=headers, media_type=_JPEG)
