"""`watchpost run api` as a process of its own, with a client that calls it."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import yaml

from tests.fakes.brokers import unique
from tests.waiting import wait_for
from watchpost.settings import SiteSettings, load_settings
from watchpost.site.topics import apply_site_topics
from watchpost.stream.free_ports import free_ports

__all__ = ["ApiProcess"]


class ApiProcess:
    """An api process on `bootstrap`.

    Example:
        with ApiProcess(broker.bootstrap, tmp_path) as api:
            api.client.get("/cameras").json()

    Args:
        bootstrap: the site's Kafka.
        folder: for its configuration, state and log.
        more: further keys of config.yaml.
    """

    def __init__(self, bootstrap: str, folder: Path, more: Mapping[str, Any] | None = None) -> None:
        (self.port,) = free_ports(1)
        self.state_dir = folder / unique("state")
        self.config = folder / f"{unique('config')}.yaml"
        self.log = self.config.with_suffix(".log")
        chosen = dict(more or {})
        self.config.write_text(
            yaml.safe_dump(
                {
                    "site": "shop",
                    "state_dir": str(self.state_dir),
                    "kafka": {"bootstrap": bootstrap},
                    "api": {"port": self.port, "calls_per_minute": 10_000, **chosen.pop("api", {})},
                    **chosen,
                }
            )
        )
        self.url = f"http://127.0.0.1:{self.port}"
        self.client = httpx.Client(base_url=self.url, timeout=60)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def settings(self) -> SiteSettings:
        """What its file says."""
        return load_settings(self.config)

    def __enter__(self) -> Self:
        apply_site_topics(self.settings, "site")
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.client.close()
        self.kill()
        if error is not None:
            sys.stderr.write(self.said())

    def start(self) -> None:
        """Start the process, and wait until it is ready."""
        with self.log.open("ab") as log:
            command = [sys.executable, "-m", "watchpost", "run", "api", "--config", str(self.config)]
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        wait_for(self._is_ready, within_s=30)

    def kill(self) -> None:
        """End it with kill -9."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def said(self) -> str:
        """Its log so far."""
        return self.log.read_text(errors="replace")

    def secrets(self) -> list[Path]:
        """The files in which it keeps passwords now."""
        return [path for path in (self.state_dir / "secrets").glob("*") if path.is_file()]

    def _is_ready(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self.said()
        try:
            return httpx.get(f"{self.url}/readyz").is_success
        except httpx.TransportError:
            return False
