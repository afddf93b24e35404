"""The programs of `examples/` do what they show: read what a real bridge brought, call a real api."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.acting_site import ActingSite, Scene
from tests.fakes.api_service import ApiService
from tests.fakes.bridged_site import BridgedSite, event
from tests.fakes.registry import ApicurioRegistry
from watchpost.stream.embedded import EmbeddedKafka

pytestmark = pytest.mark.kafka

_EXAMPLES = Path(__file__).parents[2] / "examples"


@contextmanager
def running(example: str, **environment: str) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, str(_EXAMPLES / example)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, **environment})
    try:
        yield process
    finally:
        process.kill()
        process.communicate(timeout=10)


def first_of(process: "subprocess.Popen[str]", event_id: str) -> dict[str, Any]:
    """The first line about this event; the test's time limit ends the wait for one that never comes."""
    assert process.stdout is not None
    for line in process.stdout:
        seen: dict[str, Any] = json.loads(line)
        if seen["event_id"] == event_id:
            return seen
    raise AssertionError(f"the example ended with {process.wait()} before it saw {event_id}")


def test_consumer_prints_an_event_that_the_bridge_brought(
    site_broker: EmbeddedKafka, fresh_broker: Callable[[], EmbeddedKafka], tmp_path: Path
) -> None:
    # a centre of its own: other tests write what a newer software would
    central = fresh_broker()
    site = BridgedSite(site_broker.bootstrap, central.bootstrap, tmp_path)
    site.write([event(f"plain-{site.name}")])

    with site.bridge(), running("consumer.py", BOOTSTRAP=central.bootstrap, GROUP=site.name) as consumer:
        seen = first_of(consumer, f"plain-{site.name}")

    assert (seen["type"], seen["person_count"], seen["camera"]) == ("person_count", 2, "door")


def test_consumer_with_a_registry_prints_an_event_that_the_bridge_brought(
    site_broker: EmbeddedKafka, fresh_broker: Callable[[], EmbeddedKafka], tmp_path: Path
) -> None:
    central = fresh_broker()
    with ApicurioRegistry(tmp_path) as registry:
        to_centre = {"central": {"bootstrap": central.bootstrap, "schema_registry": {"url": registry.url}}}
        site = BridgedSite(site_broker.bootstrap, central.bootstrap, tmp_path, to_centre)
        site.write([event("registered")])

        with (
            site.bridge(),
            running("consumer_with_registry.py", BOOTSTRAP=central.bootstrap, REGISTRY=registry.url) as consumer,
        ):
            seen = first_of(consumer, "registered")

    assert (seen["type"], seen["person_count"], seen["camera"]) == ("person_count", 2, "door")


def test_call_prints_what_the_site_saw(fresh_broker: Callable[[], EmbeddedKafka], tmp_path: Path) -> None:
    camera = "rtsp://10.0.0.5/live"
    bootstrap = fresh_broker().bootstrap
    with ApiService(bootstrap, tmp_path) as api:
        api.apply_topics()
        api.wait_until_ready()
        with ActingSite(bootstrap, {camera: Scene(people=3, fall_after_s=0.5)}):
            called = subprocess.run(
                [sys.executable, str(_EXAMPLES / "analyze_call.py"), camera],
                capture_output=True,
                text=True,
                check=True,
                timeout=60,
                env={**os.environ, "API": api.url},
            )

    results = json.loads(called.stdout)["results"]
    assert results["person_count"] == 3
    assert [event["type"] for event in results["abnormal_events"]] == ["fall_detected"]
    assert results["thumbnail"].startswith("/9j/")  # how a JPEG begins
