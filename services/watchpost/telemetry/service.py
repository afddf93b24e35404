"""The frame around every service: logs, health and an orderly stop."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from watchpost.settings import SiteSettings
from watchpost.telemetry.health import Health, serve_health
from watchpost.telemetry.logs import configure_logs

__all__ = ["Running", "ServiceName", "running"]

ServiceName = Literal["ingest", "inference", "events", "bridge"]


@dataclass(frozen=True, slots=True)
class Running:
    """What a running service has at hand: `stop` is set when it shall end."""

    stop: threading.Event
    health: Health


@contextmanager
def running(service: ServiceName, settings: SiteSettings, *parts: str) -> Iterator[Running]:
    """Run a service's loop inside this block.

    Args:
        service: its name, in logs, health and for its port.
        settings: the site's.
        parts: what it needs before it is ready, such as "kafka".
    """
    telemetry = settings.telemetry
    configure_logs(service, settings.site.name, telemetry.log_format, telemetry.log_level)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    health = Health(service, *parts)
    port: int = getattr(telemetry.ports, service)
    with serve_health(health, telemetry.host, port):
        yield Running(stop, health)
