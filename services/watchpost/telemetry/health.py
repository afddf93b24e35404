"""Says over HTTP whether a service lives, what it waits for, and what it has counted."""

import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from watchpost.errors import ConfigError
from watchpost.telemetry.notes import read_notes

__all__ = ["Health", "serve_health"]

_BEAT_LIMIT_S = 30.0


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    content_type: str
    body: bytes


class Health:
    """What a service waits for, and whether its loop still turns. Safe to use from several threads.

    health.waiting("kafka", "127.0.0.1:9092 does not answer")
    health.ready("kafka")
    health.beat()          # in the loop
    """

    def __init__(self, service: str, *parts: str) -> None:
        self._service = service
        self._lock = threading.Lock()
        self._waiting = dict.fromkeys(parts, "not started yet")
        self._notes: dict[str, str] = {}
        self._figures: dict[str, dict[str, float | None]] = {}
        self.beat()

    @property
    def service(self) -> str:
        """Whose health this is."""
        return self._service

    def waiting(self, part: str, reason: str) -> None:
        """`part` is not there: the service cannot do its work, for `reason`."""
        with self._lock:
            self._waiting[part] = reason

    def ready(self, part: str) -> None:
        """`part` is there."""
        with self._lock:
            self._waiting.pop(part, None)

    def waits_for(self) -> dict[str, str]:
        """What is waited for, and why."""
        with self._lock:
            return dict(self._waiting)

    def note(self, topic: str, said: str | None) -> None:
        """Say something of `topic` in the readiness, which changes nothing in it; None: nothing any more."""
        with self._lock:
            self._notes.pop(topic, None)
            if said is not None:
                self._notes[topic] = said

    def notes(self) -> dict[str, str]:
        """What the service and its supervisor have to say, by topic."""
        with self._lock:
            return {**read_notes(), **self._notes}

    def show(self, topic: str, figures: Mapping[str, float | None]) -> None:
        """Figures that liveness shows under `topic`, in place of the last ones."""
        with self._lock:
            self._figures[topic] = dict(figures)

    def beat(self, next_within_s: float = _BEAT_LIMIT_S) -> None:
        """The service's loop turned once more. What takes longer, such as loading a model, says how long."""
        self._beat_s = time.monotonic()
        self._due_s = self._beat_s + next_within_s

    def readiness(self) -> _Answer:
        """200 when nothing is waited for, else 503 with what and why; notes change nothing in that."""
        waiting, notes = self.waits_for(), self.notes()
        said = {"service": self._service, "ready": not waiting, "waits_for": waiting}
        return _json(503 if waiting else 200, {**said, "notes": notes} if notes else said)

    def liveness(self) -> _Answer:
        """200 while the loop turns: a service that waits is alive, one that hangs is not."""
        now_s = time.monotonic()
        silent_s, alive = now_s - self._beat_s, now_s < self._due_s
        with self._lock:
            figures = dict(self._figures)
        said = {"service": self._service, "alive": alive, "last_beat_s_ago": round(silent_s, 1)}
        return _json(200 if alive else 503, said | figures)


@contextmanager
def serve_health(health: Health, host: str, port: int) -> Iterator[int]:
    """Serve `/healthz`, `/readyz` and `/metrics` while the block runs; yields the port (0 takes a free one).

    Raises:
        ConfigError: the port is taken, or the host is none of this machine's.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            match self.path:
                case "/healthz":
                    self._answer(health.liveness())
                case "/readyz":
                    self._answer(health.readiness())
                case "/metrics":
                    self._answer(_Answer(200, CONTENT_TYPE_LATEST, generate_latest()))
                case _:
                    self._answer(_json(404, {"known": ["/healthz", "/readyz", "/metrics"]}))

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (likewise)
            """Stay silent: a probe every second is no news."""

        def _answer(self, answer: _Answer) -> None:
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.content_type)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

    try:
        listening = ThreadingHTTPServer((host, port), Handler)
    except OSError as error:
        raise ConfigError(
            f"telemetry.ports.{health.service}",
            f"{host}:{port} cannot be listened on ({error.strerror})",
            "name another port, or 0 for a free one",
        ) from error
    with listening as server:
        thread = threading.Thread(target=server.serve_forever, name="health", daemon=True)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()


def _json(status: int, content: object) -> _Answer:
    return _Answer(status, "application/json", json.dumps(content).encode())
