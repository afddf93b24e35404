"""A service says over HTTP what it waits for, and in one line when it cannot say it."""

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from watchpost.errors import ConfigError
from watchpost.telemetry import Health, serve_health


def test_readiness_names_what_is_waited_for_and_why() -> None:
    health = Health("bridge", "site", "central")
    health.ready("site")
    health.waiting("central", "hq:9092 does not answer")

    with serve_health(health, "127.0.0.1", 0) as port:
        answer = httpx.get(f"http://127.0.0.1:{port}/readyz")

    assert answer.status_code == 503
    assert answer.json()["waits_for"] == {"central": "hq:9092 does not answer"}


def test_note_is_said_until_it_is_taken_back_and_changes_nothing_in_the_readiness() -> None:
    health = Health("inference")

    health.note("load", "the cameras ask for more than is looked at")
    noted = health.readiness()
    health.note("load", None)

    assert (noted.status, json.loads(noted.body)["notes"]) == (
        200,
        {"load": "the cameras ask for more than is looked at"},
    )
    assert "notes" not in json.loads(health.readiness().body)


def test_service_that_has_all_it_needs_is_ready_and_alive() -> None:
    health = Health("bridge", "site")
    health.ready("site")
    health.beat()

    with serve_health(health, "127.0.0.1", 0) as port:
        ready, alive = (httpx.get(f"http://127.0.0.1:{port}/{path}") for path in ("readyz", "healthz"))

    assert (ready.status_code, alive.status_code) == (200, 200)
    assert json.loads(ready.text)["ready"] is True


def test_loop_that_is_overdue_is_not_alive_and_one_that_said_how_long_it_takes_is() -> None:
    health = Health("inference")

    with serve_health(health, "127.0.0.1", 0) as port:
        health.beat(next_within_s=900)
        loading = httpx.get(f"http://127.0.0.1:{port}/healthz")
        health.beat(next_within_s=0)
        overdue = httpx.get(f"http://127.0.0.1:{port}/healthz")

    assert (loading.status_code, overdue.status_code) == (200, 503)


def test_metrics_and_the_known_paths_are_served() -> None:
    with serve_health(Health("bridge"), "127.0.0.1", 0) as port:
        metrics = httpx.get(f"http://127.0.0.1:{port}/metrics")
        unknown = httpx.get(f"http://127.0.0.1:{port}/status")

    assert "watchpost_frames_captured_total" in metrics.text
    assert (unknown.status_code, unknown.json()["known"]) == (404, ["/healthz", "/readyz", "/metrics"])


def test_taken_port_is_an_error_that_names_the_setting() -> None:
    with (
        ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as other,
        pytest.raises(ConfigError, match=r"telemetry\.ports\.bridge: 127\.0\.0\.1:\d+ cannot be listened on"),
        serve_health(Health("bridge"), "127.0.0.1", other.server_port),
    ):
        pass
