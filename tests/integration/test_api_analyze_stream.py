"""GET /analyze/stream: what a camera shows, told as it happens, until the listener hangs up."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.fakes.acting_site import ActingSite, Scene, scene_jpeg
from tests.fakes.api_service import ApiService
from tests.fakes.specs import camera_spec
from tests.waiting import wait_for
from watchpost.errors import SourceFailure
from watchpost.stream.embedded import EmbeddedKafka

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(120)]

ALL_TASKS = ["person_detection", "abnormal_behavior"]


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiService]:
    folder = tmp_path_factory.mktemp("api")
    with EmbeddedKafka(folder / "kafka") as kafka, ApiService(kafka.bootstrap, folder) as service:
        service.apply_topics()
        service.wait_until_ready()
        yield service


def told(answer: httpx.Response) -> Iterator[tuple[str, dict[str, Any]]]:
    """The events of the stream: name and data."""
    name = ""
    for line in answer.iter_lines():
        field, _, value = line.partition(": ")
        if field == "event":
            name = value
        elif field == "data":
            yield name, json.loads(value)


def test_listener_is_told_of_people_events_and_pictures_and_frees_the_camera_by_hanging_up(
    api: ApiService, site: ActingSite
) -> None:
    source = site.new_source(Scene(people=2, fall_after_s=0.5))
    seen: dict[str, list[dict[str, Any]]] = {"observation": [], "event": [], "thumbnail": []}

    with api.client().stream("GET", "/analyze/stream", params={"stream_url": source, "tasks": ALL_TASKS}) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        for name, data in told(answer):
            seen[name].append(data)
            if len(seen["observation"]) == 3:
                break

    assert [data["person_count"] for data in seen["observation"]] == [2, 2, 2]
    # ten frames a second, told once a second
    assert len({data["time"] for data in seen["observation"]}) >= 2
    assert [(data["type"], data["confidence"]) for data in seen["event"]] == [("fall_detected", 0.87)]
    assert base64.b64decode(seen["thumbnail"][0]["jpeg"]) == scene_jpeg(2)
    site.wait_until_free()


def test_listener_hears_nothing_of_what_was_not_asked_for(api: ApiService, site: ActingSite) -> None:
    source = site.new_source(Scene(people=2, fall_after_s=0.5))

    with api.client().stream(
        "GET", "/analyze/stream", params={"stream_url": source, "tasks": "abnormal_behavior"}
    ) as answer:
        names = []
        for name, _ in told(answer):
            names.append(name)
            if name == "event":
                break

    assert "observation" not in names


def test_camera_of_the_site_is_watched_by_its_name(api: ApiService, site: ActingSite) -> None:
    source = site.new_source(Scene(people=6))
    locked = "env:NOT_KNOWN_HERE"
    site.write(camera_spec("door", source=source, secret_ref=locked))
    wait_for(lambda: site.frames[source])

    params: dict[str, Any] = {"camera": "door", "tasks": "person_detection"}
    with api.client().stream("GET", "/analyze/stream", params=params) as answer:
        name, data = next(told(answer))

    site.remove("door")
    assert (name, data["person_count"]) == ("observation", 6)
    assert site.openings[source] == 1


def test_listener_is_told_that_the_camera_went_offline(api: ApiService, site: ActingSite) -> None:
    source = site.new_source(Scene(dies_after_s=0.4))

    with api.client().stream(
        "GET", "/analyze/stream", params={"stream_url": source, "tasks": "abnormal_behavior"}
    ) as answer:
        event = next(data for name, data in told(answer) if name == "event")

    assert event["type"] == "camera_offline"


@pytest.mark.parametrize(
    ("params", "status", "kind", "field"),
    [
        ({"stream_url": "rtsp://admin:pw@10.0.0.6/x"}, 422, "source-refused", "stream_url"),
        ({"stream_url": "file:///etc/passwd"}, 422, "source-refused", "stream_url"),
        ({}, 422, "invalid-request", "stream_url"),
        ({"stream_url": "rtsp://10.0.0.6/x", "camera": "door"}, 422, "invalid-request", "stream_url"),
        ({"camera": "nobody"}, 404, "not-found", "camera"),
        ({"camera": "door", "tasks": "cats"}, 422, "unknown-task", "tasks.0"),
        ({"camera": "door", "task": "person_detection"}, 422, "invalid-request", "task"),
        ({"camera": "door", "thumbnail_interval": "0"}, 422, "invalid-request", "thumbnail_interval"),
    ],
)
def test_wrong_query_is_answered_before_anything_is_streamed(
    api: ApiService, params: dict[str, str], status: int, kind: str, field: str
) -> None:
    answer = api.client().get("/analyze/stream", params={"tasks": "person_detection", **params})

    content = answer.json()
    assert (answer.status_code, content["type"].rpartition(":")[2], content["field"]) == (status, kind, field)
    assert content["remedy"]
    assert "pw" not in api.log_text()


def test_stream_of_a_camera_that_fails_is_a_problem_and_no_stream(api: ApiService, site: ActingSite) -> None:
    source = site.new_source(Scene(fails=SourceFailure.UNAUTHORISED))

    answer = api.client().get("/analyze/stream", params={"stream_url": source, "tasks": "person_detection"})

    assert answer.status_code == 422
    assert answer.json()["type"].endswith(":camera-unauthorised")


def test_camera_of_a_call_outlives_its_api_by_no_more_than_the_lease(api: ApiService, site: ActingSite) -> None:
    source = site.new_source(Scene())

    with api.client().stream("GET", "/analyze/stream", params={"stream_url": source, "tasks": ALL_TASKS}) as answer:
        next(told(answer))
        api.kill()

    wait_for(lambda: site.watched, lambda left: not left, within_s=16)
    api.start()
    api.wait_until_ready()
