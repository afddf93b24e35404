"""Keeps the services of a site running as processes of their own, so that one that dies takes nothing with it."""

import sys
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from watchpost.stream.guarded_process import GuardedProcess

__all__ = ["ServiceCommand", "Supervisor", "service_command"]

_LOG = structlog.get_logger()
_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 10.0
_STEADY_S = 60.0
# an orderly stop takes a service under 3 s; Ctrl-C promises 5 s in all
_GRACE_S = 3.0


@dataclass(frozen=True, slots=True)
class ServiceCommand:
    """A service, or one of its workers, and the program that runs it. No two have one name."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)


def service_command(service: str, config: Path | None) -> ServiceCommand:
    """`watchpost run <service>` with this very interpreter."""
    chosen = () if config is None else ("--config", str(config))
    return ServiceCommand(service, (sys.executable, "-m", "watchpost", "run", service, *chosen))


@dataclass(slots=True)
class _Child:
    service: ServiceCommand
    process: GuardedProcess
    started_s: float
    pause_s: float = _FIRST_PAUSE_S
    restart_at_s: float | None = None
    restarts: int = 0


class Supervisor:
    """Starts services, and starts again what ends, after a pause that grows while it keeps ending.

    Safe for several threads.

    Args:
        run_dir: where each service's pid file and log lie.
    """

    def __init__(self, services: Sequence[ServiceCommand], run_dir: Path) -> None:
        self._run_dir = run_dir
        self._services = tuple(services)
        self._children: dict[str, _Child] = {}
        self._lock = threading.Lock()

    def start(self) -> None:
        """Start every service."""
        self._run_dir.mkdir(parents=True, exist_ok=True)
        for service in self._services:
            self.add(service)

    def add(self, service: ServiceCommand) -> None:
        """Start one more service."""
        process = self._process(service)
        process.start()
        with self._lock:
            self._children[service.name] = _Child(service, process, time.monotonic())

    def restart(self, service: ServiceCommand) -> None:
        """Stop the service of this name in an orderly way and start this at once: it was told something new."""
        with self._lock:
            child = self._children[service.name]
            child.process.stop()
            child.service, child.process = service, self._process(service)
            child.process.start()
            child.started_s, child.restart_at_s, child.pause_s = time.monotonic(), None, _FIRST_PAUSE_S

    def check(self) -> None:
        """Start again what has ended and whose pause is over. Call it about twice a second."""
        with self._lock:
            self._check(time.monotonic())

    def stop(self, *names: str) -> None:
        """Stop these services, or all, at the same time, and forget them."""
        with self._lock:  # what is stopped here must not be started again there
            stopping = [self._children.pop(name) for name in (names or tuple(self._children))]
        if stopping:
            with ThreadPoolExecutor(len(stopping)) as pool:
                list(pool.map(lambda child: child.process.stop(), stopping))

    def kill(self, name: str) -> None:
        """Kill -9 a service, as a test of what follows."""
        self._children[name].process.kill()

    def restarts(self) -> dict[str, int]:
        """How often each service was started again."""
        return {name: child.restarts for name, child in self._children.items()}

    def alive(self) -> dict[str, bool]:
        """Which services run at this moment."""
        return {name: child.process.exit_status() is None for name, child in self._children.items()}

    def log_of(self, name: str) -> Path:
        """Where the service's log lies."""
        return self._run_dir / f"{name}.log"

    def _check(self, now_s: float) -> None:
        for child in self._children.values():
            status = child.process.exit_status()
            if status is None:
                continue
            if child.restart_at_s is None:
                if now_s - child.started_s > _STEADY_S:
                    child.pause_s = _FIRST_PAUSE_S
                child.restart_at_s = now_s + child.pause_s
                child.pause_s = min(child.pause_s * 2, _LONGEST_PAUSE_S)
                _LOG.warning(
                    "service ended", name=child.service.name, status=status, log=str(self.log_of(child.service.name))
                )
            elif now_s >= child.restart_at_s:
                child.process.start()
                child.started_s, child.restart_at_s = now_s, None
                child.restarts += 1

    def _process(self, service: ServiceCommand) -> GuardedProcess:
        return GuardedProcess(
            service.command,
            pid_file=self._run_dir / f"{service.name}.pid",
            output=self.log_of(service.name),
            environment=service.environment,
            append=True,
            grace_s=_GRACE_S,
        )
