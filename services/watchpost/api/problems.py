"""Answers every error in one shape, `application/problem+json` (RFC 9457), naming the field and the remedy.

raise problem(ProblemKind.NOT_FOUND, "there is no camera 'dor'", remedy="GET /cameras lists those that there are")

@router.get("/cameras/{name}", responses=answers(ProblemKind.NOT_FOUND))
"""

import json
from collections.abc import Mapping
from enum import StrEnum
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from watchpost.errors import CallError

__all__ = ["PROBLEM_JSON", "Problem", "ProblemKind", "answers", "problem", "problem_response"]

PROBLEM_JSON = "application/problem+json"
_TYPE = "urn:watchpost:problem:"


class ProblemKind(StrEnum):
    """Every way in which a call fails. A caller tells them apart by `type`, which ends in these."""

    MALFORMED_BODY = "malformed-body"
    INVALID_REQUEST = "invalid-request"
    SOURCE_REFUSED = "source-refused"
    UNKNOWN_TASK = "unknown-task"
    CAMERA_UNREACHABLE = "camera-unreachable"
    CAMERA_UNAUTHORISED = "camera-unauthorised"
    CAMERA_UNSUPPORTED = "camera-unsupported"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    CROSS_SITE = "cross-site"
    NOT_FOUND = "not-found"
    METHOD_NOT_ALLOWED = "method-not-allowed"
    CAMERA_EXISTS = "camera-exists"
    CAMERA_OF_CONFIG = "camera-of-config"
    CAMERA_OF_CALL = "camera-of-call"
    MAX_STREAMS = "max-streams"
    CLIP_NOT_READY = "clip-not-ready"
    BODY_TOO_LARGE = "body-too-large"
    UNSUPPORTED_MEDIA_TYPE = "unsupported-media-type"
    TOO_MANY_CALLS = "too-many-calls"
    NOT_READY = "not-ready"
    OVERLOADED = "overloaded"
    INTERNAL = "internal"


_STATUS_AND_TITLE: Mapping[ProblemKind, tuple[HTTPStatus, str]] = {
    ProblemKind.MALFORMED_BODY: (HTTPStatus.BAD_REQUEST, "The body is no JSON"),
    # 422 for every value that is wrong, in the body, the query or the path: one answer to learn
    ProblemKind.INVALID_REQUEST: (HTTPStatus.UNPROCESSABLE_ENTITY, "A value of the request is wrong"),
    ProblemKind.SOURCE_REFUSED: (HTTPStatus.UNPROCESSABLE_ENTITY, "The stream may not be opened"),
    ProblemKind.UNKNOWN_TASK: (HTTPStatus.UNPROCESSABLE_ENTITY, "There is no such task"),
    ProblemKind.CAMERA_UNREACHABLE: (HTTPStatus.UNPROCESSABLE_ENTITY, "The camera does not answer"),
    ProblemKind.CAMERA_UNAUTHORISED: (HTTPStatus.UNPROCESSABLE_ENTITY, "The camera does not accept the credentials"),
    ProblemKind.CAMERA_UNSUPPORTED: (HTTPStatus.UNPROCESSABLE_ENTITY, "The stream cannot be read"),
    ProblemKind.UNAUTHENTICATED: (HTTPStatus.UNAUTHORIZED, "Who calls is not known"),
    ProblemKind.FORBIDDEN: (HTTPStatus.FORBIDDEN, "The caller's role does not allow this"),
    ProblemKind.CROSS_SITE: (HTTPStatus.FORBIDDEN, "The call comes from another site's page"),
    ProblemKind.NOT_FOUND: (HTTPStatus.NOT_FOUND, "There is no such thing"),
    ProblemKind.METHOD_NOT_ALLOWED: (HTTPStatus.METHOD_NOT_ALLOWED, "This cannot be done here"),
    ProblemKind.CAMERA_EXISTS: (HTTPStatus.CONFLICT, "The camera exists already"),
    ProblemKind.CAMERA_OF_CONFIG: (HTTPStatus.CONFLICT, "The camera belongs to the configuration file"),
    ProblemKind.CAMERA_OF_CALL: (HTTPStatus.CONFLICT, "The camera is there for a call alone"),
    ProblemKind.MAX_STREAMS: (HTTPStatus.CONFLICT, "The site has as many cameras as it may have"),
    ProblemKind.CLIP_NOT_READY: (HTTPStatus.CONFLICT, "The clip is not cut yet"),
    ProblemKind.BODY_TOO_LARGE: (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The body is too large"),
    ProblemKind.UNSUPPORTED_MEDIA_TYPE: (HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "The body is of another type than JSON"),
    ProblemKind.TOO_MANY_CALLS: (HTTPStatus.TOO_MANY_REQUESTS, "The caller calls too often"),
    ProblemKind.NOT_READY: (HTTPStatus.SERVICE_UNAVAILABLE, "The site waits for something"),
    ProblemKind.OVERLOADED: (HTTPStatus.SERVICE_UNAVAILABLE, "The site has more to look at than it can"),
    ProblemKind.INTERNAL: (HTTPStatus.INTERNAL_SERVER_ERROR, "Something went wrong inside"),
}


class Problem(BaseModel):
    """Why a call failed, and what to do instead."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": f"{_TYPE}invalid-request",
                    "title": "A value of the request is wrong",
                    "status": 422,
                    "detail": "x0 (0.8) is not left of x1 (0.2)",
                    "field": "roi",
                    "remedy": "write [x0, y0, x1, y1] as fractions of the frame",
                }
            ]
        }
    )

    type: str = Field(description=f"which problem: `{_TYPE}…`")
    title: str
    status: int
    detail: str = Field(description="what was expected and what came")
    field: str | None = Field(default=None, description="the field of the request that is wrong, dotted")
    remedy: str | None = Field(default=None, description="what to do instead")


def problem(
    kind: ProblemKind,
    detail: str,
    *,
    field: str | None = None,
    remedy: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> CallError:
    """The error to raise where a call fails as `kind` says."""
    return CallError(kind, detail, field=field, remedy=remedy, headers=headers)


def problem_response(error: CallError) -> Response:
    """The answer to a call that failed."""
    status, title = _STATUS_AND_TITLE[ProblemKind(error.kind)]
    content = {"type": f"{_TYPE}{error.kind}", "title": title, "status": status.value, "detail": error.detail}
    content |= {key: value for key, value in (("field", error.field), ("remedy", error.remedy)) if value is not None}
    # in ASCII: what a caller sent may hold half a character, which is no UTF-8
    return Response(json.dumps(content), status.value, error.headers, PROBLEM_JSON)


def answers(*kinds: ProblemKind) -> dict[int | str, dict[str, Any]]:
    """What OpenAPI says of these problems, for a route's `responses`."""
    documented: dict[int | str, dict[str, Any]] = {}
    for kind in kinds:
        status, title = _STATUS_AND_TITLE[kind]
        example = {"type": f"{_TYPE}{kind}", "title": title, "status": status.value, "detail": f"{title}."}
        entry = documented.setdefault(
            status.value,
            {
                "description": status.phrase,
                "content": {PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": {}}},
            },
        )
        entry["content"][PROBLEM_JSON]["examples"][kind.value] = {"summary": title, "value": example}
    return documented
