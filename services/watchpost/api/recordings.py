"""Shows what a camera recorded, as it was recorded."""

from datetime import datetime, timedelta
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response, StreamingResponse

from watchpost.api.footage import MP4, PRIVATE, VIDEO, check_may_see, root_of, sent, unreadable
from watchpost.api.guarded_route import GuardedRoute
from watchpost.api.moments import Moment
from watchpost.api.parts import ApiParts, CallerOf, ReadyParts
from watchpost.api.problems import ProblemKind, answers, problem
from watchpost.clock import epoch_us, from_epoch_us
from watchpost.contracts.recording_rules import may_record
from watchpost.contracts.records import CameraId, CameraSpec
from watchpost.errors import NotRecordedError, RetryableError
from watchpost.recordings import Cut, cut_of

__all__ = ["router"]

router = APIRouter(tags=["recordings"], route_class=GuardedRoute)

_LONGEST = timedelta(minutes=15)


@router.get(
    "/cameras/{name}/recording",
    summary="What a camera recorded",
    response_class=Response,
    responses={
        200: {"description": "Fragmented MP4, as it was recorded", **VIDEO},
        **answers(ProblemKind.NOT_FOUND, ProblemKind.INVALID_REQUEST, ProblemKind.FORBIDDEN),
    },
)
async def get_recording(
    parts: ReadyParts,
    caller: CallerOf,
    name: str,
    begin: Annotated[
        Moment, Query(alias="from", description="from the keyframe before, such as `2026-01-05T12:00:00Z`")
    ],
    end: Annotated[Moment, Query(alias="to", description="at most 15 minutes later")],
) -> Response:
    """The camera's own packets of this time, from the keyframe before, as far as they have one size and codec.

    With its sound, where `recording.audio` asks for that and it is AAC. `Watchpost-From` says when its first picture
    was taken. With masks: for admins alone.
    """
    _check_times(begin, end)
    spec = parts.view.cameras().get(CameraId(name))
    if spec is None:
        raise problem(
            ProblemKind.NOT_FOUND, "there is no camera of this name", field="name", remedy="GET /cameras lists them"
        )
    check_may_see(caller, spec)
    cut = await parts.footage.ask(partial(_cut, parts, spec, begin, end))
    began = from_epoch_us(cut.begins_us)
    headers = {"Watchpost-From": began.isoformat(), "Cache-Control": PRIVATE}
    return StreamingResponse(sent(parts, cut.fragments()), headers=headers, media_type=MP4)


def _check_times(begin: datetime, end: datetime) -> None:
    if begin >= end:
        raise problem(
            ProblemKind.INVALID_REQUEST, f"{end} is not after {begin}", field="to", remedy="write a later moment"
        )
    if end - begin > _LONGEST:
        raise problem(
            ProblemKind.INVALID_REQUEST,
            f"{end - begin} are more than {_LONGEST}",
            field="to",
            remedy="ask for one part after the other",
        )


def _cut(parts: ApiParts, spec: CameraSpec, begin: datetime, end: datetime) -> Cut:
    from_us, to_us = (epoch_us(moment) for moment in (begin, end))
    try:
        return cut_of(root_of(parts), spec.camera, from_us, to_us)
    except NotRecordedError as error:
        hours = parts.settings.recordings.keep_hours
        remedy = f"recordings reach back {hours:g} hours at most"
        if not may_record(spec):
            remedy = "the camera is not recorded: recording.enabled has it recorded, with masks recording.unmasked too"
        raise problem(ProblemKind.NOT_FOUND, str(error), field="from", remedy=remedy) from None
    except RetryableError as error:
        raise unreadable(error) from None
