"""Says what telemetry's own server says for the other services, on the api's port."""

from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import Response

from watchpost.api.parts import Parts

__all__ = ["router"]

router = APIRouter(tags=["health"])


@router.get("/healthz", summary="Whether the service lives")
async def healthz(parts: Parts) -> Response:
    """200 while its loop turns."""
    answer = parts.health.liveness()
    return Response(answer.body, answer.status, media_type=answer.content_type)


@router.get("/readyz", summary="What the service waits for")
async def readyz(parts: Parts) -> Response:
    """200 when nothing is waited for."""
    answer = parts.health.readiness()
    return Response(answer.body, answer.status, media_type=answer.content_type)


@router.get("/metrics", summary="What the service has counted")
async def metrics() -> Response:
    """In Prometheus' text format."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
