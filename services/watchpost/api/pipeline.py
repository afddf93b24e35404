"""The api's path: the site's topics into a view of the site, the view and specs of cameras to callers."""

import asyncio
import socket
from collections.abc import Sequence

import structlog
import uvicorn
from fastapi import FastAPI

from watchpost.api.access import Access
from watchpost.api.app import build_app
from watchpost.api.housekeeping import keep_house
from watchpost.api.limits import CallLimiter
from watchpost.api.parts import ApiParts
from watchpost.api.patient import PatientDisk
from watchpost.api.secrets import SecretFiles
from watchpost.api.site_reader import SiteReader
from watchpost.api.site_view import Arrival, SiteView
from watchpost.api.source_guard import resolve_host
from watchpost.api.spec_writer import SpecWriter
from watchpost.api.tokens import TokenBook
from watchpost.clock import SystemClock
from watchpost.errors import ConfigError
from watchpost.settings import ApiSettings, SiteSettings
from watchpost.stream import client_config, watched
from watchpost.telemetry import Running, begun

__all__ = ["run"]

_LOG = structlog.get_logger()
_BACKLOG = 128
_CALLS_END_WITHIN_S = 2


def run(settings: SiteSettings) -> None:
    """Serve until SIGTERM or Ctrl-C.

    Raises:
        ConfigError: the port is taken, or the tokens file cannot be read.
        WatchpostError: the site's topics cannot be read, and waiting would not mend it.
    """
    service = begun("api", settings, "kafka", "site")
    with _listening(settings.api) as listener:
        asyncio.run(_serve(settings, service, listener))


async def _serve(settings: SiteSettings, service: Running, listener: socket.socket) -> None:
    """One thread reads the topics (`SiteReader`); all else happens in this loop, and writes wait in threads."""
    loop, clock, health = asyncio.get_running_loop(), SystemClock(), service.health
    client = client_config(settings.kafka.address, settings.kafka.security.client_config(), "watchpost-api")
    view = SiteView(clock)

    def take(arrivals: Sequence[Arrival]) -> None:
        health.beat()  # both turn: the reader, who sent this, and the loop, which came to it
        view.take(arrivals)

    def end() -> None:
        server.should_exit = True  # an api that shows an old site would be worse than none

    reader = SiteReader(
        watched(client, health),
        health,
        hand_over=lambda arrivals: loop.call_soon_threadsafe(take, arrivals),
        on_failure=lambda: loop.call_soon_threadsafe(end),
    )
    parts = ApiParts(
        settings=settings,
        clock=clock,
        health=health,
        view=view,
        specs=SpecWriter(client, view),
        secrets=SecretFiles(settings.state_dir / "secrets"),
        access=Access(settings.api, TokenBook(settings.api)),
        limiter=CallLimiter(settings.api.calls_per_minute),
        resolve=resolve_host,
        footage=PatientDisk("the disk of the recordings"),
    )
    server = _server(build_app(parts))
    host, port = listener.getsockname()[:2]
    _LOG.info("api_listens", host=host, port=port)
    reader.start()
    house = asyncio.create_task(keep_house(parts))
    server.should_exit = service.stop.is_set()  # from here on the signals are uvicorn's
    try:
        await server.serve([listener])
    finally:
        house.cancel()
        await asyncio.to_thread(reader.stop)
    if reader.failure is not None:
        raise reader.failure


def _server(app: FastAPI) -> uvicorn.Server:
    return uvicorn.Server(
        uvicorn.Config(
            app,
            log_config=None,
            access_log=False,  # it names addresses, and a query may hold a password
            proxy_headers=False,  # uvicorn believes a proxy on loopback otherwise: any caller could claim to be here
            server_header=False,
            ws="none",
            lifespan="off",
            timeout_graceful_shutdown=_CALLS_END_WITHIN_S,
        )
    )


def _listening(settings: ApiSettings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        listener = socket.create_server((settings.host, settings.port), family=family, backlog=_BACKLOG)
    except OSError as error:
        raise ConfigError(
            "api.port",
            f"{settings.host}:{settings.port} cannot be listened on ({error.strerror})",
            "name another port or host, or 0 for a free port",
        ) from error
    # asyncio sets it only on sockets that name TCP; without it each answer's body waits 40 ms for the caller's ACK
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener
