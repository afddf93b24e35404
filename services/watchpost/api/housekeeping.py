"""Clears away what callers left behind: cameras whose time is over, and the secrets of cameras that are gone."""

import asyncio

import structlog

from watchpost.api.parts import ApiParts
from watchpost.errors import CallError

__all__ = ["clear_away", "keep_house"]

_LOG = structlog.get_logger()
_EVERY_S = 30.0
_NOT_READY_S = 1.0


async def keep_house(parts: ApiParts) -> None:
    """Clear away as soon as the site is known, and then twice a minute, until cancelled."""
    while True:
        is_ready = not parts.health.waits_for()
        if is_ready:
            await clear_away(parts)
        await asyncio.sleep(_EVERY_S if is_ready else _NOT_READY_S)


async def clear_away(parts: ApiParts) -> None:
    """Take the specs that are over off their topic (ingest ignores them, but the topic keeps them), then sweep."""
    async with parts.specs.changing:
        try:
            for spec in parts.view.expired():
                await parts.specs.remove(spec.camera)
        except CallError as error:
            _LOG.warning("expired_cameras_stay", why=error.detail)
            return
        used = [spec.secret_ref for spec in parts.view.cameras().values()]
        await asyncio.to_thread(parts.secrets.sweep, used)
