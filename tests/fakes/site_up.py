"""`watchpost up` with a configuration file that a test changes under it, as an operator or Kubernetes would.

with SiteUp(folder, {"street": "sim:street?size=320x180&fps=5"}) as site:
    site.wait_until_up()
    site.edit(cameras={"street": …, "door": "sim:room"})
    site.wait_for_log("config_reloaded")
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import yaml
from confluent_kafka import Message

from tests.waiting import wait_for
from watchpost.contracts import TopicName, decode
from watchpost.contracts.records import CameraId, CameraSpec, FrameCaptured
from watchpost.site.delivery import read_topic
from watchpost.site.specs import read_camera_specs
from watchpost.stream import client_config, value_of
from watchpost.stream.free_ports import free_ports
from watchpost.stream.guarded_process import read_guard

__all__ = ["SiteUp"]

_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108  (frames live in memory; mkdtemp makes the folder)
_SERVICES = ("ingest", "inference", "events", "bridge")


class SiteUp:
    """The running command, its file, and what it says.

    The file lies as Kubernetes lays a ConfigMap: `config.yaml` is a link into `..data`, which is a link to a folder.
    """

    def __init__(self, folder: Path, cameras: Mapping[str, Any]) -> None:
        kafka_port, api_port, *ports = free_ports(2 + len(_SERVICES))
        self.ports = {**dict(zip(_SERVICES, ports, strict=True)), "api": api_port}
        self._frames = tempfile.TemporaryDirectory(prefix="watchpost-test-", dir=_SHARED_MEMORY)
        self._folder = folder
        self._versions = 0
        self.run_dir = folder / "state" / "run"
        self.config = folder / "config.yaml"
        self.first = {
            "site": "corner",
            "state_dir": str(folder / "state"),
            "cameras": dict(cameras),
            "kafka": {"embedded": {"port": kafka_port}},
            "frames": {"url": f"file://{self._frames.name}"},
            "telemetry": {"ports": dict(zip(_SERVICES, ports, strict=True))},
            "api": {"port": api_port},
        }
        self.client = client_config(f"127.0.0.1:{kafka_port}", {}, "test")
        self.swap(yaml.safe_dump(self.first))
        self.config.symlink_to("..data/config.yaml")
        self._log = folder / "up.log"

    def __enter__(self) -> Self:
        with self._log.open("wb") as log:
            command = [sys.executable, "-m", "watchpost", "--config", str(self.config)]
            # without a terminal, as services are started
            self.process = subprocess.Popen(command, stderr=log, start_new_session=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(30)
        finally:
            self.process.kill()
            self._frames.cleanup()

    def swap(self, text: str) -> None:
        """Put another file in place as Kubernetes does: a new folder, and a link that is swapped."""
        self._versions += 1
        version = self._folder / f"..{self._versions}"
        version.mkdir()
        (version / "config.yaml").write_text(text)
        link = self._folder / "..data_tmp"
        link.symlink_to(version.name)
        link.replace(self._folder / "..data")

    def edit(self, **changes: Any) -> None:
        """Put the first file in place with these keys changed."""
        self.swap(yaml.safe_dump({**self.first, **changes}))

    def reload(self, **changes: Any) -> dict[str, Any]:
        """Edit, and wait until that is in force; what the log says of it."""
        seen = len(self.said("config_reloaded"))
        self.edit(**changes)
        return self.wait_for_log("config_reloaded", seen + 1)

    def hang_up(self) -> None:
        """Send SIGHUP."""
        self.process.send_signal(signal.SIGHUP)

    def said(self, event: str) -> list[dict[str, Any]]:
        """The log lines of this event."""
        lines = [json.loads(line) for line in self._log.read_text().splitlines() if line.startswith("{")]
        return [line for line in lines if line["event"] == event]

    def wait_for_log(self, event: str, count: int = 1) -> dict[str, Any]:
        """Wait until this was said so often; the last time."""
        return wait_for(lambda: self.said(event), lambda lines: len(lines) >= count, within_s=30)[-1]

    def wait_until_up(self) -> None:
        """Wait until all services of a site without a centre are ready."""
        wait_for(self._unready, lambda unready: not unready, within_s=90)

    def _unready(self) -> list[str]:
        return [name for name in ("ingest", "inference", "events", "api") if not self.readiness(name).get("ready")]

    def readiness(self, service: str) -> dict[str, Any]:
        """What `/readyz` says, or nothing while nobody answers."""
        return self.readiness_at(self.ports[service])

    def readiness_at(self, port: int) -> dict[str, Any]:
        """The same of whoever answers on this port."""
        try:
            answer = httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=5)
        except httpx.HTTPError:
            return {}
        said: dict[str, Any] = answer.json()
        return said

    def pids(self) -> dict[str, int]:
        """The process of each service that runs."""
        guards = {path.stem: read_guard(path) for path in self.run_dir.glob("*.pid")}
        return {name: guard.child_pid for name, guard in guards.items() if guard is not None}

    def kill(self, service: str) -> None:
        """Kill -9 a service."""
        os.kill(self.pids()[service], signal.SIGKILL)

    def specs(self) -> dict[CameraId, CameraSpec]:
        """The cameras that the site's Kafka knows."""
        return read_camera_specs(self.client)

    def frames(self, camera: str) -> list[FrameCaptured]:
        """Every frame of a camera so far."""
        return [frame for frame in read_topic(self.client, TopicName.FRAMES, _frame) if frame.camera == camera]

    def sessions(self, camera: str) -> set[str]:
        """The sessions that frame ids tell of: a camera that is started anew has another."""
        return {frame.frame_id.split("-")[-2] for frame in self.frames(camera)}

    def wait_for_frames(self, camera: str) -> None:
        """Wait until more frames come of it than there are now."""
        now = len(self.frames(camera))
        wait_for(lambda: len(self.frames(camera)), lambda count: count > now + 1, within_s=30)


def _frame(message: Message) -> FrameCaptured:
    return decode(value_of(message) or b"", FrameCaptured)
