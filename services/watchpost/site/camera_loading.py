"""Keeps the site's Kafka told of the configured cameras, through changes of the file and absences of Kafka."""

import time
from pathlib import Path

import structlog

from watchpost.errors import ConfigError, RetryableError
from watchpost.settings import SiteSettings, load_settings
from watchpost.site.config_watch import ConfigWatch
from watchpost.site.signals import asked_to_end, asked_to_reload
from watchpost.site.specs import publish_camera_specs
from watchpost.telemetry import configure_logs

__all__ = ["CameraLoading", "keep_cameras_applied"]

_LOG = structlog.get_logger()
_LOOK_S = 0.5
# who calls has other things to look after than a broker that is away
_WITHIN_S = 5.0
_AGAIN_S = 5.0


class CameraLoading:
    """Cameras that are to be written as soon as Kafka takes them.

    loading.want(settings)
    loading.turn()           # about twice a second
    """

    def __init__(self) -> None:
        self._wanted: SiteSettings | None = None
        self._due_s = 0.0

    def want(self, settings: SiteSettings) -> None:
        """These are the cameras from now on."""
        self._wanted, self._due_s = settings, time.monotonic()

    def turn(self) -> None:
        """Write what is due; try again later where Kafka does not answer."""
        if self._wanted is None or time.monotonic() < self._due_s:
            return
        try:
            publish_camera_specs(self._wanted, _WITHIN_S)
        except RetryableError as error:
            self._due_s = time.monotonic() + _AGAIN_S
            _LOG.warning("cameras_not_applied_yet", error=str(error), again_in_s=_AGAIN_S)
        else:
            self._wanted = None


def keep_cameras_applied(path: Path) -> None:
    """Load the file's cameras, and again whenever it changes or SIGHUP comes, until SIGTERM.

    A broken file changes nothing and is logged; a Kafka that is away is waited for.

    Raises:
        ConfigError: the file is not sound from the start.
    """
    stop, reload = asked_to_end(), asked_to_reload()
    watch, loading = ConfigWatch(path), CameraLoading()
    settings = load_settings(path)
    configure_logs("cameras", settings.site.name, settings.telemetry.log_format, settings.telemetry.log_level)
    loading.want(settings)
    while not stop.is_set():
        if watch.changed() or reload.is_set():
            reload.clear()
            _read_again(path, loading)
        loading.turn()
        stop.wait(_LOOK_S)


def _read_again(path: Path, loading: CameraLoading) -> None:
    try:
        loading.want(load_settings(path))
    except ConfigError as error:
        _LOG.error("config_not_reloaded", error=str(error), file=str(path))
