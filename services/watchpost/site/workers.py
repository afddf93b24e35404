"""Says how many inference workers a site runs on this machine, and what sets each apart: its GPU and its port.

Workers are members of one consumer group, so cameras are dealt out among them and dealt out anew when one dies.
"""

from collections.abc import Mapping

from watchpost.errors import ConfigError
from watchpost.models import ModelKind, model_in_force
from watchpost.settings import SiteSettings
from watchpost.site.gpus import VISIBLE_VARIABLE, visible_gpus

__all__ = ["check_workers", "worker_environments", "worker_ports"]

_KEY = "inference.workers"
_PORT_VARIABLE = "WATCHPOST_TELEMETRY__PORTS__INFERENCE"
# the next ports are those of other services
_PORT_STEP = 10
_LAST_PORT = 65535


def check_workers(settings: SiteSettings) -> None:
    """Raise ConfigError where several workers contradict another setting, whatever GPUs this machine has."""
    count, device = _count(settings), settings.model_params.device
    if count > 1 and device.startswith("cuda") and _runs_on_gpus(settings):
        raise ConfigError(
            _KEY,
            f"{count} workers would share {device}, which model_params.device names",
            "leave model_params.device at auto, where each has a GPU of its own, or run 1 worker",
        )
    _check_ports(settings, count)


def worker_ports(settings: SiteSettings) -> tuple[int, ...]:
    """Where each worker answers for its health; 0 takes a free port."""
    first = settings.telemetry.ports.inference
    return tuple(first + _PORT_STEP * number if first else 0 for number in range(_count(settings)))


def worker_environments(settings: SiteSettings) -> tuple[Mapping[str, str], ...]:
    """What each worker finds in its environment beside what this process has.

    The first one's GPU is the one that it would take by itself: a second worker that joins disturbs it in nothing.

    Raises:
        ConfigError: there are fewer GPUs than workers.
    """
    gpus, ports = _gpus(settings), worker_ports(settings)
    if gpus and len(ports) > len(gpus):
        raise ConfigError(
            _KEY,
            f"{len(ports)} workers need as many GPUs, and {len(gpus)} can be used here",
            f"write auto or {len(gpus)}, or look at nvidia-smi and {VISIBLE_VARIABLE}",
        )
    return tuple(
        ({VISIBLE_VARIABLE: gpus[number]} if gpus else {}) | ({_PORT_VARIABLE: str(port)} if number else {})
        for number, port in enumerate(ports)
    )


def _count(settings: SiteSettings) -> int:
    asked = settings.inference.workers
    return max(1, len(_gpus(settings))) if asked == "auto" else asked


def _gpus(settings: SiteSettings) -> tuple[str, ...]:
    """The GPUs that are dealt out among the workers: none where the model uses none, or a device was named."""
    return visible_gpus() if settings.model_params.device == "auto" and _runs_on_gpus(settings) else ()


def _runs_on_gpus(settings: SiteSettings) -> bool:
    return model_in_force(settings).kind is ModelKind.DIRECTORY


def _check_ports(settings: SiteSettings, count: int) -> None:
    taken = {
        **{port: f"telemetry.ports.{name}" for name, port in settings.telemetry.ports.model_dump().items() if port},
        settings.api.port: "api.port",
    }
    if settings.kafka.bootstrap is None:
        taken[settings.kafka.embedded.port] = "kafka.embedded.port"
    for number, port in enumerate(worker_ports(settings)[1:], 2):
        clash = taken.get(port) if port <= _LAST_PORT else "no port at all"
        if clash is not None:
            raise ConfigError(
                "telemetry.ports.inference",
                f"worker {number} of {count} would answer on {port}, which is {clash}",
                f"name another port, of which 1 to {count - 1} times {_PORT_STEP} above are free, or 0 for free ones",
            )
