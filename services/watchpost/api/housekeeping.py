"""Clears away what callers left behind: cameras whose time is over, and the secrets of cameras that are gone."""

import asyncio
from datetime import timedelta

import structlog

from watchpost.api.parts import ApiParts
from watchpost.errors import CallError

__all__ = ["clear_away", "keep_house"]

_LOG = structlog.get_logger()
_EVERY_S = 30.0
_NOT_READY_S = 1.0
_KEPT = timedelta(minutes=1)


async def keep_house(parts: ApiParts) -> None:
    """Clear away as soon as the site is known, and then twice a minute, until cancelled."""
    while True:
        is_ready = not parts.health.waits_for()
        if is_ready:
            await clear_away(parts)
        await asyncio.sleep(_EVERY_S if is_ready else _NOT_READY_S)


async def clear_away(parts: ApiParts) -> None:
    """Take the specs that are over off their topic (ingest ignores them, but the topic keeps them), then sweep.

    Not at once: another api may be about to renew a call's camera, and then needs its secret.
    """
    async with parts.specs.changing:
        long_over = parts.clock.now() - _KEPT
        try:
            for spec in parts.view.expired():
                if spec.expires_at is not None and spec.expires_at < long_over:
                    await parts.specs.remove(spec.camera)
        except CallError as error:
            _LOG.warning("expired_cameras_stay", why=error.detail)
            return
        used = [spec.secret_ref for spec in (*parts.view.cameras().values(), *parts.view.expired())]
        try:
            await asyncio.to_thread(parts.secrets.sweep, used)
        except OSError as error:
            _LOG.warning("secrets_not_swept", why=str(error))
