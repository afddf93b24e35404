"""`watchpost up`: a whole site on one machine, each service a supervised process."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog

from watchpost.settings import SiteSettings
from watchpost.site.specs import publish_camera_specs
from watchpost.site.supervisor import Supervisor, service_command
from watchpost.site.topics import apply_site_topics
from watchpost.stream.embedded import EmbeddedKafka
from watchpost.telemetry import configure_logs

__all__ = ["run_site", "services_of", "site_kafka"]

_LOG = structlog.get_logger()
_CHECK_S = 0.5


def run_site(settings: SiteSettings, config: Path | None) -> None:
    """Kafka (embedded unless one is configured), topics, cameras, services; until SIGTERM or Ctrl-C.

    Raises:
        ConfigError: the settings do not fit this machine, a taken port for one.
        RetryableError: Kafka cannot be started or reached.
    """
    configure_logs("up", settings.site.name, settings.telemetry.log_format, settings.telemetry.log_level)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with site_kafka(settings):
        for difference in apply_site_topics(settings, "site").differences:
            _LOG.warning("topic differs and was left as it is", difference=str(difference))
        publish_camera_specs(settings)
        supervisor = Supervisor(
            [service_command(name, config) for name in services_of(settings)], settings.state_dir / "run"
        )
        supervisor.start()
        _LOG.info("site is up", kafka=settings.kafka.address, logs=str(settings.state_dir / "run"))
        try:
            while not stop.wait(_CHECK_S):
                supervisor.check()
        finally:
            supervisor.stop()


def services_of(settings: SiteSettings) -> tuple[str, ...]:
    """The services that this site needs; without a centre there is nothing to bridge to."""
    if settings.central is None:
        _LOG.warning("no central.bootstrap is set: events stay at this site until they expire")
        return ("ingest", "inference", "events")
    return ("ingest", "inference", "events", "bridge")


@contextmanager
def site_kafka(settings: SiteSettings) -> Iterator[None]:
    """The embedded broker while the block runs, unless the settings name a broker."""
    if settings.kafka.bootstrap is not None:
        yield
        return
    embedded = settings.kafka.embedded
    with EmbeddedKafka(settings.state_dir / "kafka", port=embedded.port, heap_mb=embedded.heap_mb):
        yield
