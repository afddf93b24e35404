"""`watchpost up`: a whole site on one machine, each service a supervised process."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import structlog

from watchpost.models import check_loadable
from watchpost.settings import Scope, SiteSettings, version_of
from watchpost.site.config_watch import ConfigWatch
from watchpost.site.processes import SiteProcess, processes_of, services_of
from watchpost.site.reload_plan import read_config
from watchpost.site.reloading import Reloading, SiteFiles
from watchpost.site.signals import asked_to_end, asked_to_reload
from watchpost.site.specs import publish_camera_specs
from watchpost.site.supervisor import Supervisor
from watchpost.site.topics import apply_site_topics
from watchpost.stream.embedded import EmbeddedKafka
from watchpost.telemetry import configure_logs

__all__ = ["run_site", "site_kafka"]

_LOG = structlog.get_logger()
_CHECK_S = 0.5


def run_site(path: Path | None) -> None:
    """Kafka (embedded unless one is configured), topics, cameras, services; until SIGTERM or Ctrl-C.

    SIGHUP, or a change of the file at `path`, reloads what can be reloaded.

    Raises:
        ConfigError: the file is not sound, or does not fit this machine: a taken port for one.
        ModelError: the model in force, or a part of it, is not on this machine.
        RetryableError: Kafka cannot be started or reached.
    """
    watch = None if path is None else ConfigWatch(path)
    config = read_config(path)
    check_loadable(config.settings)
    settings, run_dir = config.settings, config.settings.state_dir / "run"
    processes = processes_of(settings)
    configure_logs("up", settings.site.name, settings.telemetry.log_format, settings.telemetry.log_level)
    stop, reload = asked_to_end(), asked_to_reload()
    with site_kafka(settings):
        for difference in apply_site_topics(settings, "site").differences:
            _LOG.warning("topic differs and was left as it is", difference=str(difference))
        publish_camera_specs(settings)
        files = SiteFiles(run_dir)
        files.write(config)
        files.note(None)
        supervisor = Supervisor([files.command(process) for process in processes], run_dir)
        supervisor.start()
        _tell(settings, processes, run_dir)
        reloading = None if watch is None or path is None else Reloading(path, watch, config, files, supervisor)
        try:
            _look_after(supervisor, reloading, stop, reload)
        finally:
            supervisor.stop()


def _look_after(
    supervisor: Supervisor, reloading: Reloading | None, stop: threading.Event, reload: threading.Event
) -> None:
    while not stop.wait(_CHECK_S):
        supervisor.check()
        asked = reload.is_set()
        reload.clear()
        if reloading is not None:
            reloading.turn(asked=asked)
        elif asked:
            _LOG.warning("nothing to reload: no file was named", remedy="start with --config")


def _tell(settings: SiteSettings, processes: Sequence[SiteProcess], run_dir: Path) -> None:
    if settings.central is None:
        _LOG.warning("no central.bootstrap is set: events stay at this site until they expire")
    versions = {name: version_of(settings, Scope(name)) for name in services_of(settings)}
    names = tuple(process.name for process in processes)
    _LOG.info("site is up", kafka=settings.kafka.address, logs=str(run_dir), processes=names, config_versions=versions)


@contextmanager
def site_kafka(settings: SiteSettings) -> Iterator[None]:
    """The embedded broker while the block runs, unless the settings name a broker."""
    if settings.kafka.bootstrap is not None:
        yield
        return
    embedded = settings.kafka.embedded
    with EmbeddedKafka(settings.state_dir / "kafka", port=embedded.port, heap_mb=embedded.heap_mb):
        yield
