"""The Kubernetes that the chart is tried on: brought up for the run, and taken down after it whatever happened."""

import json
import os
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from tests.waiting import wait_for

__all__ = ["Cluster", "seconds_since", "started_cluster"]

_UP_S = 1800  # the first time it builds Kubernetes
_COMMAND_S = 400


class Cluster:
    """A cluster, one namespace of it, and the programs that speak to it.

    Example:
        with started_cluster(Path("../shared/k8s"), "try") as cluster:
            cluster.helm("install", "x", "helm/watchpost", "--wait")
            cluster.kubectl("get", "pods")

    """

    def __init__(self, programs: Path, namespace: str, environment: Mapping[str, str]) -> None:
        self._programs = programs
        self._namespace = namespace
        self._environment = environment

    def load(self, *images: str) -> None:
        """Bring images of the local engine to the node."""
        self.run(str(self._programs / "load"), *images)

    def kubectl(self, *arguments: str) -> str:
        """What `kubectl` answers, in this namespace."""
        return self.run("kubectl", "--namespace", self._namespace, *arguments)

    def helm(self, *arguments: str, values: Mapping[str, Any] | None = None) -> str:
        """What `helm` answers, in this namespace."""
        given = () if values is None else ("--values", "-")
        return self.run("helm", "--namespace", self._namespace, *arguments, *given, stdin=json.dumps(values))

    def items(self, kinds: str, *arguments: str) -> list[dict[str, Any]]:
        """The objects of these kinds."""
        found: list[dict[str, Any]] = json.loads(self.kubectl("get", kinds, "-o", "json", *arguments))["items"]
        return found

    def account(self) -> str:
        """What runs here and what was said last, for the report of a failure."""
        ours = ("-l", "app.kubernetes.io/name=watchpost", "--all-containers", "--prefix", "--tail=12")
        asked = (
            ("get", "pods,jobs,pvc", "-o", "wide"),
            ("get", "events", "--sort-by=.lastTimestamp"),
            ("logs", *ours, "--ignore-errors", "--max-log-requests=40"),
        )
        return "\n".join(self.kubectl(*arguments)[-8000:] for arguments in asked)

    @contextmanager
    def forwarded(self, target: str, port: int) -> Iterator[None]:
        """Make a port of `target` the same one here, while the block runs."""
        command = ["kubectl", "--namespace", self._namespace, "port-forward", target, str(port)]
        with subprocess.Popen(command, env=self._environment, stdout=subprocess.DEVNULL) as forwarding:
            try:
                wait_for(lambda: forwarding.poll() is None and _listens(forwarding.pid, port), within_s=30)
                yield
            finally:
                forwarding.terminate()

    def run(self, *command: str, stdin: str | None = None) -> str:
        """What a program answers that has this cluster's environment; its own words when it fails."""
        done = subprocess.run(
            command,
            env=self._environment,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=_COMMAND_S,
            check=False,
        )
        assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout[-4000:]}{done.stderr[-4000:]}"
        return done.stdout


@contextmanager
def started_cluster(programs: Path, namespace: str) -> Iterator[Cluster]:
    """A cluster with an empty namespace. One that was up already is left up.

    Args:
        programs: the folder with `up`, `load` and `down`.
        namespace: made anew, and gone afterwards.
    """
    work = Path(os.environ.get("K8S_WORKDIR", "/var/tmp/standin-k8s"))  # noqa: S108  (its own default)
    was_up = (work / "state" / "ready").exists()
    try:
        up = subprocess.run([programs / "up"], stdout=subprocess.PIPE, text=True, timeout=_UP_S, check=True)
        environment = os.environ | {
            "KUBECONFIG": up.stdout.strip(),
            "PATH": f"{work / 'bin'}:{os.environ['PATH']}",
            "NO_PROXY": f"{os.environ.get('NO_PROXY', '')},10.244.0.1",
        }
        cluster = Cluster(programs, namespace, environment)
        cluster.kubectl("create", "namespace", namespace)
        try:
            yield cluster
        finally:
            cluster.kubectl("delete", "namespace", namespace, "--wait=true", "--timeout=60s")
    finally:
        if not was_up:
            subprocess.run([programs / "down"], timeout=120, check=True)


def _listens(pid: int, port: int) -> bool:
    connections = psutil.Process(pid).net_connections("tcp")
    return any(one.status == psutil.CONN_LISTEN and one.laddr.port == port for one in connections)


def seconds_since(start_s: float) -> float:
    """Whole tenths of a second since a reading of the monotonic clock."""
    return round(time.monotonic() - start_s, 1)
