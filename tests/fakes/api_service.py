"""`watchpost run api` as a process of its own, with the site's topics at hand."""

import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import yaml

from tests.fakes.brokers import unique
from tests.fakes.service_process import ServiceProcess
from tests.waiting import wait_for
from watchpost.contracts import TopicName
from watchpost.contracts.records import CameraId, CameraSpec, EventChanged, FrameAnalyzed, ThumbnailTaken
from watchpost.settings import SiteSettings, load_settings
from watchpost.site.specs import read_camera_specs
from watchpost.site.topics import apply_site_topics
from watchpost.stream import RecordProducer, client_config
from watchpost.stream.free_ports import free_ports

__all__ = ["ApiService"]

_TOPIC_OF: Mapping[type, TopicName] = {
    CameraSpec: TopicName.CAMERAS,
    FrameAnalyzed: TopicName.OBSERVATIONS,
    EventChanged: TopicName.EVENTS,
    ThumbnailTaken: TopicName.THUMBNAILS,
}


class ApiService:
    """An api process on `bootstrap`. Cameras that a test adds go with it: brokers are shared.

    Example:
        with ApiService(broker.bootstrap, tmp_path) as api:
            api.wait_until_ready()
            api.client().get("/cameras").json()

    """

    def __init__(self, bootstrap: str, folder: Path, more: Mapping[str, Any] | None = None, **api: Any) -> None:
        (self.port,) = free_ports(1)
        self.state_dir = folder / unique("state")
        self.config = folder / f"{unique('config')}.yaml"
        self.log = self.config.with_suffix(".log")
        self.config.write_text(
            yaml.safe_dump(
                {
                    "site": "shop",
                    "state_dir": str(self.state_dir),
                    "max_streams": 100,
                    "kafka": {"bootstrap": bootstrap},
                    "api": {"port": self.port, **api},
                    **(more or {}),
                }
            )
        )
        self._client_config = client_config(bootstrap, {}, "test")
        self._written: set[str] = set()
        self._process = ServiceProcess("api", self.config, self.log)
        self._clients: list[httpx.Client] = []

    @property
    def settings(self) -> SiteSettings:
        """What its file says."""
        return load_settings(self.config)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._producer = RecordProducer(self._client_config)
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for client in self._clients:
            client.close()
        self.kill()
        if error is not None:
            sys.stderr.write(self.log.read_text(errors="replace"))
        else:
            for camera in self._written:
                self.remove(camera)

    def start(self) -> None:
        """Start the process."""
        self._process.start()

    def kill(self) -> None:
        """End it with kill -9."""
        self._process.kill()

    def terminate(self) -> int:
        """Ask it to end; its exit code."""
        return self._process.terminate()

    def client(self, token: str | None = None, **headers: str) -> httpx.Client:
        """A caller on this machine, with a token or without."""
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        client = httpx.Client(base_url=self.url, headers=headers, timeout=20)
        self._clients.append(client)
        return client

    def readiness(self) -> tuple[int, dict[str, str]]:
        """The status of `/readyz`, and what it waits for; 0 while nothing answers."""
        try:
            answer = httpx.get(f"{self.url}/readyz", timeout=2)
        except httpx.TransportError:
            return 0, {}
        return answer.status_code, answer.json()["waits_for"]

    def wait_until_ready(self, within_s: float = 60.0) -> None:
        """Return when it waits for nothing."""
        wait_for(self.readiness, lambda seen: seen == (200, {}), within_s=within_s)

    def apply_topics(self) -> None:
        """Make the site's topics."""
        apply_site_topics(self.settings, "site")

    def write(self, *records: CameraSpec | FrameAnalyzed | EventChanged | ThumbnailTaken) -> None:
        """Write what other services would."""
        for record in records:
            if isinstance(record, CameraSpec):
                self._written.add(record.camera)
            self._producer.send(_TOPIC_OF[type(record)], record, key=record.camera)
        self._producer.flush()

    def write_bytes(self, topic: TopicName, value: bytes, *, key: str) -> None:
        """Write anything in place of a record."""
        self._producer.send_bytes(topic, value, key=key.encode())
        self._producer.flush()

    def remove(self, camera: str) -> None:
        """Write a tombstone, as the config loader would."""
        self._producer.send_bytes(TopicName.CAMERAS, None, key=camera.encode())
        self._producer.flush()

    def specs(self) -> dict[CameraId, CameraSpec]:
        """The cameras as they stand in Kafka."""
        return read_camera_specs(self._client_config)

    def log_text(self) -> str:
        """Everything that it logged."""
        return self.log.read_text(errors="replace")
