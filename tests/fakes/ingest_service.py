"""`watchpost run ingest` as a process of its own, with the topics that it reads and writes at hand."""

import json
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import yaml
from confluent_kafka import Consumer

from tests.fakes.brokers import unique
from tests.fakes.service_process import ServiceProcess
from watchpost.contracts import TopicName, decode
from watchpost.contracts.records import CameraSpec, Command, EventChanged, FrameCaptured
from watchpost.settings import SiteSettings, load_settings
from watchpost.site.topics import apply_site_topics
from watchpost.stream import RecordProducer, client_config, key_of, value_of
from watchpost.stream.free_ports import free_ports

__all__ = ["IngestService"]


class IngestService:
    """An ingest process on `bootstrap`, in a group of its own unless another's is given.

    Example:
        with IngestService(broker.bootstrap, tmp_path) as ingest:
            ingest.write(camera_spec("door", source="sim:street"))
            wait_for(lambda: ingest.frames("door"))

    """

    def __init__(
        self, bootstrap: str, folder: Path, *, group: str | None = None, more: Mapping[str, Any] | None = None
    ) -> None:
        (self._port,) = free_ports(1)
        self.group = group or unique("ingest")
        self.config = folder / f"{unique('config')}.yaml"
        self.log = self.config.with_suffix(".log")
        self.config.write_text(
            yaml.safe_dump(
                {
                    "site": "shop",
                    "kafka": {"bootstrap": bootstrap},
                    "frames": {"url": f"file://{folder / 'frames'}"},
                    "ingest": {"group": self.group, "open_timeout_s": 3, "offline_after_s": 3},
                    "telemetry": {"ports": {"ingest": self._port}},
                    **(more or {}),
                }
            )
        )
        self._client = client_config(bootstrap, {}, "test")
        self._written: set[str] = set()
        self._process = ServiceProcess("ingest", self.config, self.log)
        self._frames: list[FrameCaptured] = []
        self._events: list[EventChanged] = []

    @property
    def settings(self) -> SiteSettings:
        """What its file says."""
        return load_settings(self.config)

    def __enter__(self) -> Self:
        apply_site_topics(self.settings, "site")
        self._producer = RecordProducer(self._client)
        # from now on: the broker is shared, and holds what other tests left
        self._reader = Consumer({**self._client, "group.id": unique("reader"), "auto.offset.reset": "latest"})
        self._reader.subscribe([TopicName.FRAMES.value, TopicName.EVENTS.value])
        deadline_s = time.monotonic() + 20
        while not self._reader.assignment():
            assert time.monotonic() < deadline_s, "the reader got no partitions"
            self._reader.poll(0.1)
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
        for camera in self._written:
            self.remove(camera)
        self._reader.close()
        if error is not None:
            sys.stderr.write(self.log.read_text(errors="replace"))

    def start(self) -> None:
        """Start the process."""
        self._process.start()

    def kill(self) -> None:
        """End it with kill -9."""
        self._process.kill()

    def terminate(self) -> tuple[int, float]:
        """Ask it to end; its exit code and how many seconds it took."""
        began_s = time.monotonic()
        return self._process.terminate(), time.monotonic() - began_s

    def write(self, record: CameraSpec | Command) -> None:
        """Write a spec or a command."""
        topic = TopicName.CAMERAS if isinstance(record, CameraSpec) else TopicName.COMMANDS
        if isinstance(record, CameraSpec):
            self._written.add(record.camera)
        self._producer.send(topic, record, key=record.camera)
        self._producer.flush()

    def write_bytes(self, camera: str, value: bytes | None) -> None:
        """Write anything in place of a spec."""
        self._written.add(camera)
        self._producer.send_bytes(TopicName.CAMERAS, value, key=camera.encode())
        self._producer.flush()

    def remove(self, camera: str) -> None:
        """Remove a camera."""
        self._producer.send_bytes(TopicName.CAMERAS, None, key=camera.encode())
        self._producer.flush()

    def frames(self, camera: str) -> list[FrameCaptured]:
        """The frames of a camera that were published so far."""
        self._read()
        return [frame for frame in self._frames if frame.camera == camera]

    def events(self, camera: str) -> list[EventChanged]:
        """The events of a camera so far."""
        self._read()
        return [event for event in self._events if event.camera == camera]

    def readiness(self) -> tuple[int, dict[str, str]]:
        """The status of `/readyz`, and what it waits for; 0 while nothing answers."""
        try:
            with urllib.request.urlopen(self._url("readyz"), timeout=2) as answer:  # noqa: S310  (loopback)
                return answer.status, json.load(answer)["waits_for"]
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)["waits_for"]
        except OSError:
            return 0, {}

    def notes(self) -> dict[str, str]:
        """What its readiness notes besides."""
        with urllib.request.urlopen(self._url("readyz"), timeout=2) as answer:  # noqa: S310  (loopback)
            notes: dict[str, str] = json.load(answer).get("notes", {})
            return notes

    def metrics(self) -> str:
        """What `/metrics` says."""
        with urllib.request.urlopen(self._url("metrics"), timeout=2) as answer:  # noqa: S310  (loopback)
            text: str = answer.read().decode()
            return text

    def _url(self, page: str) -> str:
        return f"http://127.0.0.1:{self._port}/{page}"

    def _read(self) -> None:
        while (message := self._reader.poll(0.05)) is not None:
            value = value_of(message)
            if message.error() is not None or value is None or key_of(message) is None:
                continue
            if message.topic() == TopicName.FRAMES:
                self._frames.append(decode(value, FrameCaptured))
            else:
                self._events.append(decode(value, EventChanged))
