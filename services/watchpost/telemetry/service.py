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

__all__ = ["Running", "ServiceName", "begun", "running"]

ServiceName = Literal["ingest", "inference", "events", "bridge", "api"]


@dataclass(frozen=True, slots=True)
class Running:
    """What a running service has at hand: `stop` is set when it shall end."""

    stop: threading.Event
    health: Health


def begun(service: ServiceName, settings: SiteSettings, *parts: str) -> Running:
    """The logs, the stop and the health of a service that answers for its health itself.

    Args:
        service: its name, in logs and health.
        settings: the site's.
        parts: what it needs before it is ready, such as "kafka".
    """
    telemetry = settings.telemetry
    configure_logs(service, settings.site.name, telemetry.log_format, telemetry.log_level)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    # whoever runs it starts it again, by the file as it is then
    signal.signal(signal.SIGHUP, lambda *_: signal.raise_signal(signal.SIGTERM))
    return Running(stop, Health(service, *parts))


@contextmanager
def running(service: ServiceName, settings: SiteSettings, *parts: str) -> Iterator[Running]:
    """Run a service's loop inside this block, its health served on its port of `telemetry.ports`; as `begun` else."""
    telemetry = settings.telemetry
    begun_service = begun(service, settings, *parts)
    port: int = getattr(telemetry.ports, service)
    with serve_health(begun_service.health, telemetry.host, port):
        yield begun_service
