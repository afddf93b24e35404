"""Puts the api's routes together, behind what all calls have in common."""

from fastapi import FastAPI
from fastapi_swagger import patch_fastapi

from watchpost import __version__
from watchpost.api import cameras, events, health_routes
from watchpost.api.failures import handle_failures
from watchpost.api.parts import ApiParts
from watchpost.api.surroundings import BodyLimit, CallLog

__all__ = ["build_app"]


def build_app(parts: ApiParts) -> FastAPI:
    """The ASGI application; `app.state.parts` is what its routes work with."""
    app = FastAPI(
        title="Watchpost", version=__version__, docs_url=None, redoc_url=None, swagger_ui_oauth2_redirect_url=None
    )
    patch_fastapi(app, title="Watchpost")
    app.state.parts = parts
    handle_failures(app)
    for router in (cameras.router, events.router, health_routes.router):
        app.include_router(router)
    app.add_middleware(BodyLimit, max_body_bytes=parts.settings.api.max_body_bytes)
    app.add_middleware(CallLog)  # the outermost: it sees what the others answer, too
    return app
