"""Asks of each call who sends it and in which form, before FastAPI reads any of it."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from watchpost.api.parts import ApiParts
from watchpost.api.problems import ProblemKind, problem

__all__ = ["GuardedRoute"]

_JSON = frozenset({"application/json", "application/merge-patch+json"})


class GuardedRoute(APIRoute):
    """A route that only callers with the role that it needs reach (`access.needed_role`).

    router = APIRouter(route_class=GuardedRoute)
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler of FastAPI, behind the questions."""
        handle = super().get_route_handler()

        async def guarded(request: Request) -> Response:
            parts: ApiParts = request.app.state.parts
            request.state.caller = parts.access.caller(request, request.method, self.path)
            if self.body_field is not None:
                _check_is_json(request)
            return await handle(request)

        return guarded


def _check_is_json(request: Request) -> None:
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type not in _JSON:
        raise problem(
            ProblemKind.UNSUPPORTED_MEDIA_TYPE,
            f"the body is {content_type or 'of no type'}",
            field="Content-Type",
            remedy="send Content-Type: application/json",
        )
