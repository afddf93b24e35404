"""Runs a Faust app inside our own frame: our signals, our health, and an end that is quick and tells its cause."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import cast

import structlog
from faust.types import AppT, EventT, StreamT, TopicT

from watchpost.errors import RetryableError, WatchpostError
from watchpost.events.assigning import WatchfulAssignor
from watchpost.telemetry import Running

__all__ = ["fold_every", "run_until_stopped"]

_LOG = structlog.get_logger()
_LOOK_EVERY_S = 0.1
# together they stay under the 5 s in which a service must end
_SETTLE_LIMIT_S = 2.0
_STOP_LIMIT_S = 2.0


def fold_every(app: AppT, topic: TopicT, fold: Callable[[EventT[bytes]], Awaitable[None]]) -> asyncio.Future[None]:
    """Let an agent hand every record of `topic` to `fold`, one after the other; the future tells of its failure."""
    failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def folding(stream: StreamT[bytes]) -> None:
        try:
            async for event in stream.events():
                await fold(event)
        except Exception as error:  # noqa: BLE001  whatever it is, `run_until_stopped` raises it
            failure.set_exception(error)
            # Faust would start the agent again, behind the record that failed
            await asyncio.Event().wait()

    app.agent(topic, name="folding")(folding)
    return failure


async def run_until_stopped(
    app: AppT,
    service: Running,
    failure: asyncio.Future[None],
    work: Callable[[], Awaitable[None]],
    settle: Callable[[], Awaitable[None]],
    look: Callable[[], object],
) -> None:
    """Run the app, and `work` beside it, until the service is told to stop; `settle` then, unless something failed.

    `look` is called ten times a second.

    Raises:
        WatchpostError: the app, the agent or `work` failed.
    """
    starting = asyncio.ensure_future(app.start())
    working = asyncio.ensure_future(work())
    try:
        while not service.stop.is_set():
            _raise_failure(app, starting, working, failure)
            _tell_health(app, starting, service)
            look()
            await asyncio.sleep(_LOOK_EVERY_S)
        if starting.done():
            await _settled(settle)
    finally:
        working.cancel()
        starting.cancel()
        # what stopping raises must not hide why it stops; nothing hangs on it: all was saved or will be read again
        with contextlib.suppress(Exception, asyncio.CancelledError):
            await asyncio.wait_for(app.stop(), _STOP_LIMIT_S)


async def _settled(settle: Callable[[], Awaitable[None]]) -> None:
    try:
        await asyncio.wait_for(settle(), _SETTLE_LIMIT_S)
    except (TimeoutError, WatchpostError) as problem:
        _LOG.warning("ended without settling: the next start reads again", problem=repr(problem))


def _raise_failure(app: AppT, *parts: asyncio.Future[None]) -> None:
    for part in parts:
        if part.done():
            part.result()
    missing = cast("WatchfulAssignor", app.assignor).missing
    if missing:
        raise RetryableError(f"Kafka does not know {', '.join(sorted(missing))} yet: nothing can be assigned")
    if app.crash_reason is not None:
        raise RetryableError(f"Faust gave up: {app.crash_reason!r}") from app.crash_reason


def _tell_health(app: AppT, starting: asyncio.Future[None], service: Running) -> None:
    if not starting.done():
        service.health.waiting("cameras", "the cameras' states are read from the changelog")
    elif app.rebalancing:
        service.health.waiting("cameras", "partitions are being shared out anew")
    else:
        service.health.ready("cameras")
    service.health.beat()
