"""A site run by docker-compose.yml as a person would run it, under a project name of its own.

with ComposedSite(tmp_path, image, config) as site:
    wait_for(site.health, lambda seen: set(seen.values()) == {"healthy"})
    site.kill(["ingest"])
"""

import json
import os
import subprocess
import time
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import docker
import yaml

from tests.fakes.brokers import unique
from tests.fakes.compose_image import ROOT, run_docker
from watchpost.stream.free_ports import free_ports

__all__ = ["ComposedSite"]

# the service is the only child of the container's init; it is told from inside, so that no root is needed here
_KILL = "import os; os.kill(int(open('/proc/1/task/1/children').read().split()[0]), 9)"
# the container ends with its service, and takes who told it along: at times before that one has returned
_KILLED = 137


class ComposedSite:
    """`docker compose up` with a centre, and `down -v` at the end.

    Args:
        folder: for config.yaml.
        image: the image of the services.
        config: what config.yaml says.
        scene: what the demo camera shows.
    """

    def __init__(self, folder: Path, image: str, config: Mapping[str, Any], scene: str) -> None:
        self.project = unique("watchpost-test")
        self.api_port, central_port = free_ports(2)
        file = folder / "config.yaml"
        file.write_text(yaml.safe_dump(dict(config)))
        file.chmod(0o644)  # the container's user is another one
        folder.chmod(0o755)
        self._environment = {
            **os.environ,
            "COMPOSE_PROFILES": "central",
            "WATCHPOST_API_PORT": str(self.api_port),
            "WATCHPOST_CENTRAL_PORT": str(central_port),
            "WATCHPOST_CONFIG": str(file),
            "WATCHPOST_DEMO_SCENE": scene,
            "WATCHPOST_IMAGE": image,
        }
        # asked over its socket: each `docker compose` is 0.3 s of a processor that the site needs to start
        self._engine = docker.from_env()
        self.up_s = 0.0

    def __enter__(self) -> Self:
        self.up_s = time.monotonic()
        try:
            self._compose("up", "--detach", "--no-build")
        except BaseException:
            self.down()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            print(self._compose("logs", "--tail", "15"))  # noqa: T201  (pytest shows it with the failure)
        self.down()

    def down(self) -> None:
        """Take everything away, volumes too."""
        self._compose("down", "--volumes", "--timeout", "5")

    def add_demo_camera(self) -> None:
        """Bring the RTSP camera up beside what runs."""
        self._environment["COMPOSE_PROFILES"] = "central,demo-camera"
        self._compose("build", "demo-camera")
        self._compose("up", "--detach", "--no-build")

    def events(self) -> list[dict[str, Any]]:
        """What the example consumer has printed."""
        (consumer,) = self._containers("com.docker.compose.service=central-consumer")
        lines = consumer.logs(stderr=False).decode().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def states(self) -> dict[str, tuple[str, str, int]]:
        """Of each container by service: its state, its health (or exit code), and how often it came back."""
        return {
            container.labels["com.docker.compose.service"]: (
                container.attrs["State"]["Status"],
                container.attrs["State"].get("Health", {}).get("Status", str(container.attrs["State"]["ExitCode"])),
                container.attrs["RestartCount"],
            )
            for container in self._containers()
        }

    def kill(self, services: Sequence[str]) -> None:
        """Kill -9 the main process of each service."""
        for service in services:
            self._compose("exec", "-T", service, "python", "-I", "-S", "-c", _KILL, accepted=(0, _KILLED))

    def leftovers(self) -> dict[str, str]:
        """What the engine still has of this project: containers, volumes, networks."""
        label = f"label=com.docker.compose.project={self.project}"
        return {
            "containers": run_docker("ps", "--all", "--quiet", "--filter", label),
            "volumes": run_docker("volume", "ls", "--quiet", "--filter", label),
            "networks": run_docker("network", "ls", "--quiet", "--filter", label),
        }

    def _containers(self, *labels: str) -> list[Any]:
        wanted = [f"com.docker.compose.project={self.project}", *labels]
        found: list[Any] = self._engine.containers.list(all=True, filters={"label": wanted})
        return found

    def _compose(self, *arguments: str, accepted: Collection[int] = (0,)) -> str:
        command = ["docker", "compose", "--project-directory", str(ROOT), "--project-name", self.project, *arguments]
        done = subprocess.run(command, env=self._environment, check=False, capture_output=True, text=True)
        assert done.returncode in accepted, (
            f"docker compose {' '.join(arguments)}: {done.returncode}, {done.stderr[-3000:]}"
        )
        return done.stdout
