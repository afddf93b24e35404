"""Says which processes a site consists of: one for each service, and as many inference workers as were asked for."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from watchpost.settings import SiteSettings
from watchpost.site.supervisor import ServiceCommand, service_command
from watchpost.site.workers import worker_environments

__all__ = ["SiteProcess", "command_of", "processes_of", "services_of"]

_INFERENCE = "inference"


@dataclass(frozen=True, slots=True)
class SiteProcess:
    """A process: its own name, its service, and what it alone finds in its environment."""

    name: str
    service: str
    environment: Mapping[str, str] = field(default_factory=dict)


def services_of(settings: SiteSettings) -> tuple[str, ...]:
    """The services that this site needs; without a centre there is nothing to bridge to."""
    bridge = () if settings.central is None else ("bridge",)
    return ("ingest", _INFERENCE, "events", *bridge, "api")


def processes_of(settings: SiteSettings) -> tuple[SiteProcess, ...]:
    """All of them, in the order in which they start; the second worker is `inference-2`.

    Raises:
        ConfigError: this machine has fewer GPUs than workers.
    """
    found: list[SiteProcess] = []
    for service in services_of(settings):
        if service == _INFERENCE:
            found += [
                SiteProcess(service if number == 1 else f"{service}-{number}", service, environment)
                for number, environment in enumerate(worker_environments(settings), 1)
            ]
        else:
            found.append(SiteProcess(service, service))
    return tuple(found)


def command_of(process: SiteProcess, config: Path) -> ServiceCommand:
    """How it is run by the file at `config`."""
    return replace(service_command(process.service, config), name=process.name, environment=process.environment)
