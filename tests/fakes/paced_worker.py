"""An inference worker as a process, whose analyzer looks as fast as a file says, or hangs.

with PacedWorker(broker.bootstrap, tmp_path, frame_s=0.2) as worker:
    worker.events()                            # what it told
    worker.looks(frame_s=0.001)
    worker.hangs()                             # in its next batch

Run as a program it is that process: `python -m tests.fakes.paced_worker CONFIG PACE`.
"""

import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import yaml

from watchpost.contracts import TopicName, decode
from watchpost.contracts.records import CameraId, EventChanged, Provenance, SkipReason
from watchpost.inference.analyzer import LoadedFrame, Observation
from watchpost.inference.pipeline import run
from watchpost.settings import SiteSettings, load_settings
from watchpost.site.delivery import read_topic
from watchpost.site.topics import apply_site_topics
from watchpost.stream import client_config, value_of
from watchpost.stream.free_ports import free_ports

__all__ = ["PacedWorker"]

_HANGS = "hangs"


class PacedAnalyzer:
    """Sees nothing, at the pace that a file says: seconds a frame."""

    provenance = Provenance("paced", "fp32", "sha256:0", "", "1", "1")
    degraded = None

    def __init__(self, pace: Path) -> None:
        self._pace = pace

    def analyze(self, frames: Sequence[LoadedFrame]) -> list[Observation | SkipReason]:
        """One observation a frame, after their time."""
        pace = self._pace.read_text()
        if pace == _HANGS:
            threading.Event().wait()
        time.sleep(float(pace) * len(frames))
        return [Observation((), (), 0, self.provenance) for _ in frames]

    def forget(self, camera: CameraId) -> None:
        """Remember nothing, forget nothing."""


class PacedWorker:
    """The worker, on a broker of its own, and the events that it tells."""

    def __init__(self, bootstrap: str, folder: Path, frame_s: float, **inference: Any) -> None:
        (self._port,) = free_ports(1)
        self._pace, self._config, self._log = (folder / name for name in ("pace", "config.yaml", "worker.log"))
        self._client = client_config(bootstrap, {}, "test")
        self.looks(frame_s)
        self._config.write_text(
            yaml.safe_dump(
                {
                    "site": "shop",
                    "state_dir": str(folder / "state"),
                    "kafka": {"bootstrap": bootstrap},
                    "frames": {"url": f"file://{folder / 'frames'}"},
                    "inference": inference,
                    "telemetry": {"ports": {"inference": self._port}},
                }
            )
        )
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def settings(self) -> SiteSettings:
        """What its file says."""
        return load_settings(self._config)

    def __enter__(self) -> Self:
        apply_site_topics(self.settings, "site")
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
        if error is not None:
            sys.stderr.write(self._log.read_text(errors="replace"))

    def start(self) -> None:
        """Start the process."""
        command = [sys.executable, "-m", "tests.fakes.paced_worker", str(self._config), str(self._pace)]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)

    def kill(self) -> None:
        """End it with kill -9."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def exit_code(self) -> int | None:
        """What it ended with, if it ended."""
        assert self._process is not None
        return self._process.poll()

    def looks(self, frame_s: float) -> None:
        """Take so many seconds for a frame from the next batch on."""
        self._paces(str(frame_s))

    def hangs(self) -> None:
        """Never come back from the next batch."""
        self._paces(_HANGS)

    def events(self) -> list[EventChanged]:
        """Every event on the site's topic."""
        return list(
            read_topic(self._client, TopicName.EVENTS, lambda message: decode(value_of(message) or b"", EventChanged))
        )

    def notes(self) -> dict[str, str]:
        """What its readiness notes; nothing while it does not answer."""
        try:
            notes: dict[str, str] = (
                httpx.get(f"http://127.0.0.1:{self._port}/readyz", timeout=2).json().get("notes", {})
            )
        except httpx.TransportError:
            return {}
        return notes

    def _paces(self, pace: str) -> None:
        # at once: the worker may be reading
        fresh = self._pace.with_suffix(".new")
        fresh.write_text(pace)
        fresh.replace(self._pace)


if __name__ == "__main__":
    run(load_settings(Path(sys.argv[1])), lambda *_: PacedAnalyzer(Path(sys.argv[2])))
