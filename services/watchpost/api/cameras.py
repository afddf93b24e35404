"""Lists, adds, changes and removes the site's cameras."""

from fastapi import APIRouter

from watchpost.api.guarded_route import GuardedRoute

__all__ = ["router"]

router = APIRouter(prefix="/cameras", tags=["cameras"], route_class=GuardedRoute)
