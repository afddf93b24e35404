"""Brings a changed configuration file into force while the site runs, touching only whom it concerns.

A camera changes by its spec; a service is started again when what it works by changed; a few settings hold for the
whole life of `watchpost up` and are named instead. Services read a copy of what is in force in `<state_dir>/run`: one
that crashes while the operator is half done with an edit must come back as it was.
"""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import structlog
import yaml

from watchpost.errors import ConfigError, ModelError
from watchpost.models import check_loadable
from watchpost.settings import read_file
from watchpost.site.camera_loading import CameraLoading
from watchpost.site.config_watch import ConfigWatch
from watchpost.site.processes import SiteProcess, command_of
from watchpost.site.reload_plan import ReloadPlan, SiteConfig, plan_reload
from watchpost.site.supervisor import ServiceCommand, Supervisor
from watchpost.telemetry import NOTES_VARIABLE, write_notes

__all__ = ["Reloading", "SiteFiles"]

_LOG = structlog.get_logger()
_TOPIC = "config"


class SiteFiles:
    """What a site's services find in `<state_dir>/run`: the configuration in force, and notes for their readiness."""

    def __init__(self, run_dir: Path) -> None:
        run_dir.mkdir(parents=True, exist_ok=True)
        self._config = run_dir / "config.yaml"
        self._notes = run_dir / "notes.json"

    def write(self, config: SiteConfig) -> None:
        """Put what is in force where services read it when they start."""
        fresh = self._config.with_suffix(".new")
        fresh.touch(mode=0o600)
        fresh.write_text(yaml.safe_dump(dict(config.raw), sort_keys=False, allow_unicode=True), "utf-8")
        fresh.replace(self._config)

    def note(self, said: str | None) -> None:
        """Let every service's readiness say this of the configuration, or nothing."""
        write_notes(self._notes, {} if said is None else {_TOPIC: said})

    def command(self, process: SiteProcess) -> ServiceCommand:
        """How a process is run by these files."""
        environment = {**process.environment, NOTES_VARIABLE: str(self._notes.absolute())}
        return replace(command_of(process, self._config), environment=environment)


class Reloading:
    """Looks after the configuration file of a running site.

    Args:
        path: the file that the operator changes.
        watch: made before it was first read.
        in_force: what the site runs by.
        files: what its services read.
        supervisor: keeps its services.
    """

    def __init__(
        self, path: Path, watch: ConfigWatch, in_force: SiteConfig, files: SiteFiles, supervisor: Supervisor
    ) -> None:
        self._path = path
        self._watch = watch
        self._in_force = in_force
        self._files = files
        self._supervisor = supervisor
        self._cameras = CameraLoading()

    def turn(self, *, asked: bool = False) -> None:
        """Reload if the file has changed or somebody asked for it. Call it about twice a second."""
        if self._watch.changed() or asked:
            self._reload()
        self._cameras.turn()

    def _reload(self) -> None:
        try:
            plan = plan_reload(self._in_force, read_file(self._path))
            if plan.loads_model:
                # a worker that finds it missing ends over and over, and the one that looked on is gone
                check_loadable(plan.config.settings)
        except (ConfigError, ModelError) as error:
            _LOG.error("config_not_reloaded", error=str(error), file=str(self._path))
            self._files.note(f"{error} (what was in force stays)")
            return
        self._in_force = plan.config
        self._files.write(plan.config)
        self._tell(plan)
        if plan.stopped:
            self._supervisor.stop(*_names(plan.stopped))
        for process in plan.restarted:
            self._supervisor.restart(self._files.command(process))
        for process in plan.added:
            self._supervisor.add(self._files.command(process))
        if plan.cameras:
            self._cameras.want(plan.config.settings)

    def _tell(self, plan: ReloadPlan) -> None:
        _LOG.info(
            "config_reloaded",
            changed=plan.changed,
            restarted=_names(plan.restarted),
            started=_names(plan.added),
            stopped=_names(plan.stopped),
            cameras=plan.cameras,
        )
        if plan.held_back:
            _LOG.warning("config_needs_restart", settings=plan.held_back, remedy="restart watchpost up")
            self._files.note(f"{', '.join(plan.held_back)}: changed, and in force after a restart of watchpost up")
        else:
            self._files.note(None)


def _names(processes: Iterable[SiteProcess]) -> tuple[str, ...]:
    return tuple(process.name for process in processes)
