"""Shows what happened at the site lately, and the pictures of it."""

from fastapi import APIRouter

from watchpost.api.guarded_route import GuardedRoute

__all__ = ["router"]

router = APIRouter(tags=["events"], route_class=GuardedRoute)
