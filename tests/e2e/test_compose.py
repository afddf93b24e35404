"""`docker compose up` is a site: events of a real RTSP camera reach a stranger at the centre, whoever is killed."""

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.fakes.compose_image import image, require_compose
from tests.fakes.compose_site import ComposedSite
from tests.waiting import wait_for

__all__ = ["image"]

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.docker,
    pytest.mark.xdist_group("containers"),
    pytest.mark.timeout(900),  # with the builds of both images
]

SERVICES = ["ingest", "inference", "events", "bridge", "api"]
ONCE = {"setup", "central-setup", "demo-recording"}
UNWATCHED = {"central-consumer"}  # an example says nothing about its health
# within a minute on an idle machine, as the printed figure tells; here other tests run beside it
FIRST_EVENT_S = 300.0
SCENE = "sim:street?seed=7&people=3&fps=5&size=640x360"


@pytest.fixture
def site(tmp_path: Path, image: str) -> Iterator[ComposedSite]:
    require_compose()
    config = {
        "site": "shop-12",
        "cameras": {"street": SCENE, "network": "rtsp://demo-camera:8554/stream"},
        "central": {"bootstrap": "central-kafka:9092"},
    }
    with ComposedSite(tmp_path, image, config, f"{SCENE}&seconds=10") as running:
        yield running


def unwell(states: dict[str, tuple[str, str, int]]) -> dict[str, tuple[str, str, int]]:
    """Whoever is not as it should be: healthy, or done with exit code 0."""
    wanted = {service: ("exited", "0") if service in ONCE else ("running", "healthy") for service in states}
    wanted |= dict.fromkeys(UNWATCHED, ("running", "0"))
    return {service: state for service, state in states.items() if state[:2] != wanted[service]}


def counts(site: ComposedSite, camera: str = "street") -> list[str]:
    return [event["at"] for event in site.events() if event["type"] == "person_count" and event["camera"] == camera]


def test_composed_site_tells_the_centre_and_survives_kills(
    site: ComposedSite, capsys: pytest.CaptureFixture[str]
) -> None:
    wait_for(lambda: counts(site), within_s=FIRST_EVENT_S)
    first_s = time.monotonic() - site.up_s
    wait_for(lambda: unwell(site.states()), lambda ill: not ill, within_s=60)
    site.add_demo_camera()
    wait_for(lambda: counts(site, "network"), within_s=90)
    health = httpx.get(f"http://127.0.0.1:{site.api_port}/healthz")

    site.kill(SERVICES)
    killed_s = time.monotonic()
    wait_for(
        lambda: {service: state[2] for service, state in site.states().items() if service in SERVICES},
        lambda restarts: all(restarts[service] == 1 for service in SERVICES),
        within_s=30,
    )
    arrived = len(counts(site))
    wait_for(lambda: counts(site), lambda now: len(now) >= arrived + 2, within_s=90)
    wait_for(lambda: unwell(site.states()), lambda ill: not ill, within_s=60)
    again_s = time.monotonic() - killed_s
    events = site.events()
    site.down()

    with capsys.disabled():
        print(f"\ncompose: first count at the centre {first_s:.0f} s after up, all well {again_s:.0f} s after kills")  # noqa: T201  (the figure that is asked for)
    assert health.status_code == 200
    assert {event["camera"] for event in events} == {"street", "network"}
    revisions = [(event["event_id"], event["revision"]) for event in events]
    assert len(revisions) == len(set(revisions))
    assert not any(site.leftovers().values())
