"""Puts the api's routes together, behind what all calls have in common."""

from fastapi import FastAPI
from fastapi_swagger import patch_fastapi

from watchpost import __version__
from watchpost.api import analyze, cameras, clips, events, health_routes, recordings, watch_stream
from watchpost.api.call_cameras import CallCameras
from watchpost.api.failures import handle_failures
from watchpost.api.openapi import DESCRIPTION, describe
from watchpost.api.parts import ApiParts
from watchpost.api.problems import ProblemKind, answers
from watchpost.api.surroundings import BodyLimit, CallLog

__all__ = ["build_app"]

_ANYWHERE = (
    ProblemKind.UNAUTHENTICATED,
    ProblemKind.FORBIDDEN,
    ProblemKind.CROSS_SITE,
    ProblemKind.NOT_READY,
    ProblemKind.INTERNAL,
)


def build_app(parts: ApiParts) -> FastAPI:
    """The ASGI application; `app.state.parts` is what its routes work with."""
    app = FastAPI(
        title="Watchpost",
        version=__version__,
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        swagger_ui_oauth2_redirect_url=None,
        redirect_slashes=False,  # it would send callers to whatever host they named
    )
    patch_fastapi(app, title="Watchpost")
    app.state.parts = parts
    app.state.call_cameras = CallCameras(parts.settings, parts.view, parts.specs, parts.secrets, parts.clock)
    handle_failures(app)
    for part in (analyze, watch_stream, cameras, events, clips, recordings):
        app.include_router(part.router, responses=answers(*_ANYWHERE))
    app.include_router(health_routes.router)
    describe(app, parts.settings.api)
    app.add_middleware(BodyLimit, max_body_bytes=parts.settings.api.max_body_bytes)
    app.add_middleware(CallLog)  # the outermost: it sees what the others answer, too
    return app
