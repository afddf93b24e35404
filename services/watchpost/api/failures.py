"""Turns what FastAPI and our own code raise into problems, in one place."""

from collections.abc import Sequence
from typing import Any

import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match

from watchpost.api.problems import ProblemKind, problem, problem_response
from watchpost.errors import CallError

__all__ = ["explained", "handle_failures"]

_LOG = structlog.get_logger()
_PLACES = frozenset({"body", "query", "path", "header"})
_MOST_LETTERS = 300
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")


def handle_failures(app: FastAPI) -> None:
    """Have every failure of a call answered as a problem."""
    app.add_exception_handler(CallError, _call_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(HTTPException, _http_exception)
    app.add_exception_handler(Exception, _unexpected)


def explained(errors: Sequence[Any]) -> CallError:
    """The problem that the first of pydantic's errors is. What was sent is not repeated: it may hold a password."""
    # a misspelt field first: it explains why the right one is missing
    first = min(errors, key=lambda found: found["type"] != "extra_forbidden")
    if first["type"] == "json_invalid":
        return problem(ProblemKind.MALFORMED_BODY, "the body is no JSON", remedy="send one JSON object")
    location = [str(part) for part in first["loc"] if not str(part).startswith("[")]  # of two shapes of a value
    field = ".".join(location[1:] if location[:1] and location[0] in _PLACES else location) or "body"
    message = first["msg"].removeprefix("Value error, ")
    said, _, remedy = message.partition("; ")
    match first["type"]:
        case "extra_forbidden":
            said, remedy = "there is no such field", "leave it out, or look at its spelling in /docs"
        case "missing":
            said, remedy = "is missing", "add it"
        case _:
            remedy = remedy or "see the field in /docs"
    kind = ProblemKind.UNKNOWN_TASK if "is no task" in said else ProblemKind.INVALID_REQUEST
    return problem(kind, _short(said), field=_short(field), remedy=remedy)


def _short(text: str) -> str:
    return text if len(text) <= _MOST_LETTERS else f"{text[:_MOST_LETTERS]}…"


async def _call_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, CallError)  # noqa: S101  (it is registered for these)
    return problem_response(error)


async def _validation_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101  (it is registered for these)
    return problem_response(explained(error.errors()))


async def _http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101  (it is registered for these)
    match error.status_code:
        case 404:
            return problem_response(
                problem(ProblemKind.NOT_FOUND, "there is nothing at this address", remedy="/docs lists what there is")
            )
        case 405:
            allowed = _allowed_methods(request)
            return problem_response(
                problem(
                    ProblemKind.METHOD_NOT_ALLOWED,
                    f"{request.method} cannot be done here",
                    remedy=f"use {allowed}",
                    headers={"Allow": allowed},
                )
            )
        case _:
            return problem_response(problem(ProblemKind.MALFORMED_BODY, str(error.detail)))


async def _unexpected(request: Request, error: Exception) -> Response:
    # the answer tells nothing of what is inside; the traceback is logged by uvicorn, to whom Starlette raises it again
    _LOG.error("call_failed", method=request.method, error=type(error).__name__)
    return problem_response(
        problem(ProblemKind.INTERNAL, "this should not have happened", remedy="report it with the api service's log")
    )


def _allowed_methods(request: Request) -> str:
    """Of all routes at this path: Starlette itself names only those of the first."""
    routes: Sequence[BaseRoute] = request.app.routes
    allowed = [
        method
        for method in _METHODS
        if any(route.matches({**request.scope, "method": method})[0] is Match.FULL for route in routes)
    ]
    return ", ".join(allowed)
