"""Lists, adds, changes and removes the site's cameras."""

import asyncio
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter
from starlette.responses import Response

from watchpost.api.asking import asked_by_caller
from watchpost.api.camera_shapes import CameraChange, CameraList, CameraShown, NewCamera, given, shown
from watchpost.api.guarded_route import GuardedRoute
from watchpost.api.named_streams import named_streams
from watchpost.api.parts import ApiParts, CallerOf, ReadyParts
from watchpost.api.privacy import check_privacy
from watchpost.api.problems import ProblemKind, answers, problem
from watchpost.api.room import check_keeps_up
from watchpost.api.strict_json import strictly
from watchpost.contracts.records import CameraId, CameraSpec, Question, SpecOrigin, Task
from watchpost.errors import CallError
from watchpost.settings import CameraSettings
from watchpost.settings.versions import versioned

__all__ = ["router"]

router = APIRouter(prefix="/cameras", tags=["cameras"], route_class=GuardedRoute)

_UNKNOWN = answers(ProblemKind.NOT_FOUND)
_BODY = (
    ProblemKind.MALFORMED_BODY,
    ProblemKind.BODY_TOO_LARGE,
    ProblemKind.UNSUPPORTED_MEDIA_TYPE,
    ProblemKind.INVALID_REQUEST,
    ProblemKind.UNKNOWN_TASK,
    ProblemKind.SOURCE_REFUSED,
)
_FOREIGN = (ProblemKind.CAMERA_OF_CONFIG, ProblemKind.CAMERA_OF_CALL)
# names of the cameras that calls to /analyze add
_RESERVED = "call-"
_IN_THE_SPEC = {
    "source": "source",
    "substream": "substream",
    "max_frames": "max_frames",
    "skip_frames": "skip_frames",
    "resolution": "height_px",
    "roi": "roi",
    "decoder": "decoder",
    "regions": "regions",
    "masks": "masks",
    "recording": "recording",
}
# two words for one thing: the one that is given says both
_UPLINK = frozenset({"uplink", "bandwidth_saving"})


@router.get("", summary="The cameras of the site")
async def list_cameras(parts: ReadyParts) -> CameraList:
    """Those of the configuration file, those added here, and those that calls look at now."""
    specs = parts.view.cameras().values()
    return CameraList(cameras=[_shown(parts, spec) for spec in specs], max_streams=parts.settings.max_streams)


@router.get("/{name}", summary="One camera", responses=_UNKNOWN)
async def get_camera(parts: ReadyParts, name: str) -> CameraShown:
    """The camera, and whether it delivers pictures."""
    return _shown(parts, _known(parts, name))


@router.post(
    "",
    summary="Add a camera",
    status_code=201,
    responses=answers(
        *_BODY, ProblemKind.CAMERA_EXISTS, ProblemKind.MAX_STREAMS, ProblemKind.NOT_READY, ProblemKind.OVERLOADED
    ),
)
async def add_camera(
    parts: ReadyParts, caller: CallerOf, camera: Annotated[NewCamera, strictly(NewCamera)], response: Response
) -> CameraShown:
    """Answered when the site's Kafka has it; the camera's `presence` tells soon after whether it delivers pictures.

    The other cameras are not disturbed.
    """
    if camera.name.startswith(_RESERVED):
        raise problem(
            ProblemKind.INVALID_REQUEST, f"{_RESERVED}… is for calls", field="name", remedy="choose another name"
        )
    streams = await named_streams(parts, camera)
    fields = {**given(camera), **streams.addresses}
    wanted = replace(_wanted(parts, CameraId(camera.name), fields), origin=SpecOrigin.REST)
    check_privacy(caller, None, wanted)
    async with parts.specs.changing:
        _check_room(parts, wanted.camera)
        spec = versioned(replace(wanted, secret_ref=await _kept(parts, wanted.camera, streams.credentials)))
        await parts.specs.put(spec)
    response.headers["Location"] = f"/cameras/{spec.camera}"
    return _shown(parts, spec)


@router.patch("/{name}", summary="Change a camera", responses=answers(*_BODY, ProblemKind.NOT_FOUND, *_FOREIGN))
async def change_camera(
    parts: ReadyParts, caller: CallerOf, name: str, change: Annotated[CameraChange, strictly(CameraChange)]
) -> CameraShown:
    """What is left out stays as it is. Only a new source, substream or password has the camera connect anew."""
    streams = await named_streams(parts, change)
    async with parts.specs.changing:
        before = _own(parts, name)
        streams.check_password_stays(before)
        spec = _changed(parts, before, {**given(change), **streams.addresses})
        check_privacy(caller, before, spec)
        if streams.replaces_credentials:
            spec = replace(spec, secret_ref=await _kept(parts, spec.camera, streams.credentials))
        spec = versioned(spec)
        if spec != before:
            await parts.specs.put(spec)
    if spec.secret_ref != before.secret_ref:
        await asyncio.to_thread(parts.secrets.remove, before.secret_ref)
    return _shown(parts, spec)


@router.delete(
    "/{name}", summary="Remove a camera", status_code=204, responses=answers(ProblemKind.NOT_FOUND, *_FOREIGN)
)
async def remove_camera(parts: ReadyParts, caller: CallerOf, name: str) -> None:
    """Its password goes with it. Its events stay until they expire. Only an admin removes a camera with masks."""
    async with parts.specs.changing:
        spec = _own(parts, name)
        check_privacy(caller, spec, None)
        await parts.specs.remove(spec.camera)
    await asyncio.to_thread(parts.secrets.remove, spec.secret_ref)


def _shown(parts: ApiParts, spec: CameraSpec) -> CameraShown:
    return shown(spec, parts.view.presence(spec.camera), parts.settings.roi_origin)


def _known(parts: ApiParts, name: str) -> CameraSpec:
    spec = parts.view.cameras().get(CameraId(name))
    if spec is None:
        raise problem(
            ProblemKind.NOT_FOUND, "there is no camera of this name", field="name", remedy="GET /cameras lists them"
        )
    return spec


def _own(parts: ApiParts, name: str) -> CameraSpec:
    """The camera, if it is one that callers may change."""
    spec = _known(parts, name)
    match spec.origin:
        case SpecOrigin.REST:
            return spec
        case SpecOrigin.CONFIG:
            raise problem(
                ProblemKind.CAMERA_OF_CONFIG,
                f"{name} is a camera of the configuration file",
                field="name",
                remedy=f"change cameras.{name} in config.yaml",
            )
        case SpecOrigin.ANALYZE:
            raise problem(
                ProblemKind.CAMERA_OF_CALL,
                f"{name} is there for a call to /analyze",
                field="name",
                remedy="it goes by itself when the call ends",
            )


def _check_room(parts: ApiParts, camera: CameraId) -> None:
    cameras, most = parts.view.cameras(), parts.settings.max_streams
    if camera in cameras:
        raise problem(
            ProblemKind.CAMERA_EXISTS,
            f"there is a camera {camera} already",
            field="name",
            remedy=f"PATCH /cameras/{camera} changes it, or choose another name",
        )
    if len(cameras) >= most:
        raise problem(
            ProblemKind.MAX_STREAMS,
            f"there are {len(cameras)} cameras, and max_streams is {most}",
            remedy="remove a camera, or have the operator raise max_streams",
        )
    check_keeps_up(parts.view)


def _changed(parts: ApiParts, before: CameraSpec, changes: dict[str, Any]) -> CameraSpec:
    """The spec with these fields as a new camera with them would have them, and all others untouched."""
    # a key region without a height of its own has its camera's
    fields = {"source": before.source, "resolution": before.height_px, **changes}
    wanted = _wanted(parts, before.camera, fields, before.assignment.questions)
    if changes.keys() & _UPLINK:
        changes = {**changes, **dict.fromkeys(_UPLINK)}
    direct = {_IN_THE_SPEC[field]: getattr(wanted, _IN_THE_SPEC[field]) for field in changes.keys() & _IN_THE_SPEC}
    asked = {field: getattr(wanted.assignment, field) for field in changes.keys() - _IN_THE_SPEC.keys()}
    if "tasks" in asked:
        asked["questions"] = wanted.assignment.questions
    return replace(before, **direct, assignment=replace(before.assignment, **asked))


def _wanted(
    parts: ApiParts, camera: CameraId, fields: dict[str, Any], cameras_own: tuple[Question, ...] = ()
) -> CameraSpec:
    """The spec of a camera with these fields; `cameras_own` are the questions that it is asked already."""
    given_fields = _not_null(fields)
    asked = asked_by_caller(parts.settings, given_fields.pop("tasks", tuple(Task)), cameras_own)
    spec = parts.settings.spec_of(camera, CameraSettings(**given_fields))
    return replace(spec, assignment=replace(spec.assignment, tasks=asked.tasks, questions=asked.questions))


def _not_null(fields: dict[str, Any]) -> dict[str, Any]:
    """What is null is as the configuration has it."""
    return {field: value for field, value in fields.items() if value is not None}


async def _kept(parts: ApiParts, camera: CameraId, credentials: str | None) -> str | None:
    """The reference to `credentials`, which are then in a file."""
    if credentials is None:
        return None
    try:
        return await asyncio.to_thread(parts.secrets.write, camera, credentials)
    except OSError as error:
        raise _not_kept(error) from None


def _not_kept(error: OSError) -> CallError:
    return problem(
        ProblemKind.NOT_READY,
        f"the password cannot be kept ({error.strerror})",
        remedy="see that state_dir/secrets can be written to",
        headers={"Retry-After": "60"},
    )
