"""Decides what a changed configuration file takes: whom it concerns, and what of it has to wait for a restart."""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from watchpost.models import check_questions, model_in_force
from watchpost.settings import Scope, SiteSettings, changed_scopes, leaves, read_file, settings_from
from watchpost.site.processes import SiteProcess, processes_of
from watchpost.site.workers import check_workers

__all__ = ["ReloadPlan", "SiteConfig", "plan_reload", "read_config"]


@dataclass(frozen=True, slots=True)
class SiteConfig:
    """What a file holds, as it was written and as it is meant."""

    raw: Mapping[str, Any]
    settings: SiteSettings


@dataclass(frozen=True, slots=True)
class ReloadPlan:
    """What comes into force, and how.

    `config` is what the file says, but for `held_back`: the paths of what needs a restart of the whole site.
    """

    config: SiteConfig
    held_back: tuple[str, ...]
    changed: tuple[str, ...]
    cameras: bool
    stopped: tuple[SiteProcess, ...]
    restarted: tuple[SiteProcess, ...]
    added: tuple[SiteProcess, ...]

    @property
    def loads_model(self) -> bool:
        """Whether a worker is started that loads the model in force."""
        return any(process.service == Scope.INFERENCE for process in (*self.restarted, *self.added))


def read_config(path: Path | None) -> SiteConfig:
    """The file, checked as far as it can be without running it. Raises ConfigError."""
    return _checked({} if path is None else read_file(path))


def plan_reload(in_force: SiteConfig, raw: Mapping[str, Any]) -> ReloadPlan:
    """What it takes to go on with `raw` instead.

    Raises:
        ConfigError: it is not sound, or does not fit this machine; nothing of it comes into force.
    """
    wanted = _checked(raw)
    held_back = changed_scopes(in_force.settings, wanted.settings).get(Scope.FIXED, frozenset())
    config = _checked(_with_old(raw, leaves(in_force.settings), held_back)) if held_back else wanted
    concerned = changed_scopes(in_force.settings, config.settings)
    before = {process.name: process for process in processes_of(in_force.settings)}
    after = {process.name: process for process in processes_of(config.settings)}
    return ReloadPlan(
        config,
        held_back=tuple(sorted(held_back)),
        changed=tuple(sorted({_briefly(path) for paths in concerned.values() for path in paths})),
        cameras=Scope.CAMERAS in concerned,
        stopped=tuple(before[name] for name in before if name not in after),
        restarted=tuple(
            process
            for name, process in after.items()
            if name in before and (Scope(process.service) in concerned or process != before[name])
        ),
        added=tuple(after[name] for name in after if name not in before),
    )


def _briefly(path: str) -> str:
    """A camera by its name: one that is added is twelve paths."""
    return ".".join(path.split(".")[:2]) if path.startswith("cameras.") else path


def _checked(raw: Mapping[str, Any]) -> SiteConfig:
    settings = settings_from(raw)
    model_in_force(settings)
    check_questions(settings)
    check_workers(settings)
    return SiteConfig(raw, settings)


def _with_old(raw: Mapping[str, Any], old: Mapping[str, Any], paths: frozenset[str]) -> dict[str, Any]:
    """`raw` with the old values at `paths`."""
    mixed = deepcopy(dict(raw))
    if not isinstance(mixed.get("site"), dict | None):
        mixed["site"] = {"name": mixed["site"]}  # the short form
    for path in sorted(paths):
        *groups, last = path.split(".")
        group = mixed
        for name in groups:
            if not isinstance(group.get(name), dict):
                group[name] = {}
            group = group[name]
        if path in old:
            group[last] = old[path]
        else:
            group.pop(last, None)
    return mixed
