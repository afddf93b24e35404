"""Calls to /analyze that say which pictures go up, against the api itself, at a site whose link is thin."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.fakes.acting_site import ActingSite, Scene
from tests.fakes.api_service import ApiService
from tests.fakes.specs import camera_spec
from tests.waiting import wait_for
from watchpost.contracts.camera_parts import UplinkMode
from watchpost.stream.embedded import EmbeddedKafka

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(120)]


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiService]:
    folder = tmp_path_factory.mktemp("api")
    # that site sends `full` itself: what a call does not ask for is `metadata` all the same
    thin = {"bandwidth": {"max_kbps": 500}, "uplink": "full"}
    with EmbeddedKafka(folder / "kafka") as kafka, ApiService(kafka.bootstrap, folder, thin) as service:
        service.apply_topics()
        service.wait_until_ready()
        yield service


def called(api: ApiService, source: str, *, window_s: float = 0.5, **output: Any) -> httpx.Response:
    body = {"stream_url": source, "tasks": ["person_detection"], "output": output, "window_seconds": window_s}
    return api.client().post("/analyze", json=body)


def modes_of(site: ActingSite, source: str) -> list[UplinkMode]:
    """The modes of a source's camera, one after the other."""
    specs = [spec for _, spec in list(site.history) if spec is not None and spec.source == source]
    modes = [spec.assignment.uplink_mode for spec in specs]
    return [mode for number, mode in enumerate(modes) if number == 0 or mode is not modes[number - 1]]


@pytest.mark.parametrize(
    ("output", "mode"),
    [
        ({}, UplinkMode.METADATA),
        ({"bandwidth_saving": True}, UplinkMode.METADATA),
        ({"uplink": "differential"}, UplinkMode.DIFFERENTIAL),
        ({"uplink": "sampled"}, UplinkMode.SAMPLED),
        ({"bandwidth_saving": False}, UplinkMode.FULL),
    ],
)
def test_camera_of_a_call_sends_what_the_call_says_and_the_answer_is_as_published(
    api: ApiService, site: ActingSite, output: dict[str, Any], mode: UplinkMode
) -> None:
    source = site.new_source(Scene())

    answer = called(api, source, **output)

    assert answer.status_code == 200, answer.text
    assert modes_of(site, source) == [mode]
    assert set(answer.json()) == {"status", "results", "bandwidth_saved"}


def test_answer_warns_of_what_does_not_fit_through_the_link(api: ApiService, site: ActingSite) -> None:
    source = site.new_source(Scene())

    answer = called(api, source, uplink="full")

    (warning,) = answer.json()["warnings"]
    assert warning.startswith("bandwidth.max_kbps: 500 are fewer than the 758")
    assert modes_of(site, source) == [UplinkMode.FULL]


def test_calls_that_share_a_camera_get_the_most_that_one_asked_for_as_long_as_it_looks(
    api: ApiService, site: ActingSite
) -> None:
    source = site.new_source(Scene())

    with ThreadPoolExecutor(1) as callers:
        longer = callers.submit(called, api, source, window_s=3)
        wait_for(lambda: site.frames[source])
        shorter = called(api, source, uplink="sampled")
        answer = longer.result()

    assert (shorter.status_code, answer.status_code) == (200, 200)
    assert modes_of(site, source) == [UplinkMode.METADATA, UplinkMode.SAMPLED, UplinkMode.METADATA]
    assert site.openings[source] == 1


def test_camera_that_is_there_goes_on_in_its_own_mode_and_the_answer_says_so(api: ApiService, site: ActingSite) -> None:
    source = site.new_source(Scene())
    site.write(camera_spec("door", source=source))
    wait_for(lambda: site.frames[source])

    answer = called(api, source, uplink="sampled")

    site.remove("door")
    (warning,) = answer.json()["warnings"]
    assert warning.startswith("uplink: the camera door shows this stream")
    assert modes_of(site, source) == [UplinkMode.METADATA]


def test_stream_takes_the_mode_in_its_query_and_warns_first(api: ApiService, site: ActingSite) -> None:
    source = site.new_source(Scene())
    params = {"stream_url": source, "tasks": "person_detection", "uplink": "full"}

    with api.client().stream("GET", "/analyze/stream", params=params) as answer:
        name, data = [line.partition(": ")[2] for line, _ in zip(answer.iter_lines(), range(2), strict=False)]

    assert name == "warning"
    assert "ask for sampled" in json.loads(data)["detail"]
    assert modes_of(site, source) == [UplinkMode.FULL]


@pytest.mark.parametrize(
    ("output", "field", "said"),
    [
        ({"uplink": "everything"}, "output.uplink", ""),
        ({"uplink": "full", "bandwidth_saving": True}, "output", "leave bandwidth_saving out"),
    ],
)
def test_uplink_that_cannot_be_meant_names_its_field_and_the_remedy(
    api: ApiService, site: ActingSite, output: dict[str, Any], field: str, said: str
) -> None:
    source = site.new_source(Scene())

    answer = called(api, source, **output)

    assert (answer.status_code, answer.json()["field"]) == (422, field)
    assert said in answer.json()["remedy"]
    assert site.openings[source] == 0
