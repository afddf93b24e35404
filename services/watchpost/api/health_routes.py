"""Says what telemetry's own server says for the other services, on the api's port."""

from typing import Any

from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import Response

from watchpost.api.parts import Parts

__all__ = ["router"]

router = APIRouter(tags=["health"])

_LIVES = {"service": "api", "alive": True, "last_beat_s_ago": 0.1}
_READY = {"service": "api", "ready": True, "waits_for": {}}
_WAITS = {"service": "api", "ready": False, "waits_for": {"kafka": "127.0.0.1:9092 does not answer"}}


def _said(yes: dict[str, Any], no: dict[str, Any]) -> dict[int | str, dict[str, Any]]:
    schema = {"type": "object"}
    return {
        200: {"content": {"application/json": {"schema": schema, "example": yes}}},
        503: {"description": "No", "content": {"application/json": {"schema": schema, "example": no}}},
    }


_TEXT: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/plain": {"schema": {"type": "string"}, "example": "watchpost_api_calls_total 1.0"}}}
}


@router.get("/healthz", summary="Whether the service lives", responses=_said(_LIVES, {**_LIVES, "alive": False}))
async def healthz(parts: Parts) -> Response:
    """200 while its loop turns."""
    answer = parts.health.liveness()
    return Response(answer.body, answer.status, media_type=answer.content_type)


@router.get("/readyz", summary="What the service waits for", responses=_said(_READY, _WAITS))
async def readyz(parts: Parts) -> Response:
    """200 when nothing is waited for."""
    answer = parts.health.readiness()
    return Response(answer.body, answer.status, media_type=answer.content_type)


@router.get("/metrics", summary="What the service has counted", response_class=Response, responses=_TEXT)
async def metrics() -> Response:
    """In Prometheus' text format."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
