"""What the routes to recordings and to clips have in common: who may see them, and how their bytes are sent."""

from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import structlog

from watchpost.api.parts import ApiParts
from watchpost.api.problems import ProblemKind, problem
from watchpost.api.tokens import Caller, Role
from watchpost.contracts.recording_rules import for_admins_only
from watchpost.contracts.records import CameraSpec
from watchpost.errors import CallError, RetryableError

__all__ = ["MP4", "PRIVATE", "VIDEO", "check_may_see", "root_of", "sent", "unreadable"]

_LOG = structlog.get_logger()

MP4 = "video/mp4"
VIDEO: dict[str, Any] = {"content": {MP4: {"schema": {"type": "string", "format": "binary"}}}}
PRIVATE = "private, no-cache"


def check_may_see(caller: Caller, spec: CameraSpec | None) -> None:
    """Packets show what lies under a mask, and a camera that is gone may have had some.

    Raises:
        CallError: forbidden.
    """
    if (spec is None or for_admins_only(spec)) and not caller.role.includes(Role.ADMIN):
        raise problem(
            ProblemKind.FORBIDDEN,
            f"{caller.name} is {caller.role}, and a recording shows what the camera's masks hide",
            remedy=f"call with the token of one who is {Role.ADMIN}; thumbnails are masked",
        )


def unreadable(error: Exception) -> CallError:
    """The error to raise where the disk does not give what is on it."""
    _LOG.error("recordings_unreadable", why=str(error))
    return problem(
        ProblemKind.NOT_READY,
        "the recordings cannot be read",
        remedy="try again; the log says why",
        headers={"Retry-After": "10"},
    )


async def sent(parts: ApiParts, chunks: Iterator[bytes]) -> AsyncIterator[bytes]:
    """The chunks of a generator that reads the recordings' disk, for an answer."""
    try:
        while chunk := await parts.footage.ask(partial(next, chunks, b"")):
            yield chunk
    except (CallError, RetryableError, OSError) as error:
        # the answer has begun: it can only end early, with what is whole
        _LOG.warning("recording_ends_early", why=str(error))
    finally:
        with suppress(ValueError):  # a thread is in it: the file closes when that comes back
            chunks.close()  # type: ignore[attr-defined]  # both are generators


def root_of(parts: ApiParts) -> Path:
    """Where the site's recordings lie."""
    return parts.settings.recordings.folder(parts.settings.state_dir)
