"""The published call against a whole site: real footage over RTSP goes in by REST, and what was seen comes out."""

import base64
import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import av
import cv2
import httpx
import numpy as np
import numpy.typing as npt
import pytest

from tests.fakes.camera import RtspCamera, require_rtsp_server
from tests.fakes.footage import street_as_h264
from tests.fakes.site import SiteUnderTest
from tests.waiting import wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.kafka, pytest.mark.timeout(280)]

Picture = npt.NDArray[np.uint8]
PUBLISHED = {
    "tasks": ["person_detection", "abnormal_behavior"],
    "output": {"bandwidth_saving": True, "thumbnail_interval": 10},
}


@pytest.fixture(scope="module")
def footage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    require_rtsp_server()
    return street_as_h264(tmp_path_factory.mktemp("footage"))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, footage: Path, models_dir: Path) -> Iterator[SiteUnderTest]:
    assert footage.is_file()
    assert models_dir.is_dir()
    folder = tmp_path_factory.mktemp("site")
    with SiteUnderTest(folder, {}, api={"allowed_sources": ["127.0.0.0/8"]}) as running:
        wait_for(lambda: waiting_services(running), lambda left: not left, within_s=120)
        yield running


def waiting_services(site: SiteUnderTest) -> list[str]:
    ports = site.settings.telemetry.ports
    services = {"api": site.api_port, "ingest": ports.ingest, "inference": ports.inference, "events": ports.events}
    return [name for name, port in services.items() if not is_ready(port)]


def is_ready(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/readyz").is_success
    except httpx.TransportError:
        return False


def call(site: SiteUnderTest, stream_url: str, **more: Any) -> httpx.Response:
    body = {"stream_url": stream_url, **PUBLISHED, **more}
    return httpx.post(f"http://127.0.0.1:{site.api_port}/analyze", json=body, timeout=60)


def openings(site: SiteUnderTest) -> int:
    """How often ingest began to read a camera."""
    return site.log_of("ingest").count('"camera_starts"')


def frames_of(recording: Path, every: int) -> Iterator[Picture]:
    with av.open(str(recording)) as container:
        for number, frame in enumerate(container.decode(video=0)):
            if number % every == 0:
                yield frame.to_ndarray(format="gray").astype(np.uint8)


def likeness(one: Picture, other: Picture) -> float:
    """The correlation of two grey pictures of one size."""
    return float(np.corrcoef(one.ravel(), other.ravel())[0, 1])


def test_published_call_is_answered_in_the_published_shape(site: SiteUnderTest, footage: Path) -> None:
    with RtspCamera(footage) as camera:
        answer = call(site, camera.url)

    assert answer.status_code == 200, answer.text
    content = answer.json()
    assert {key: type(value) for key, value in content.items()} == {
        "status": str,
        "results": dict,
        "bandwidth_saved": str,
    }
    assert {key: type(value) for key, value in content["results"].items()} == {
        "person_count": int,
        "abnormal_events": list,
        "thumbnail": str,
    }
    assert content["status"] == "success"
    # eight people at most walk on that street, it is never empty, and nobody falls
    assert 1 <= content["results"]["person_count"] <= 8
    assert content["results"]["abnormal_events"] == []
    saved = re.fullmatch(r"(\d{1,2})%", content["bandwidth_saved"])
    assert saved is not None
    assert int(saved[1]) > 50


def test_thumbnail_of_the_answer_shows_the_scene(site: SiteUnderTest, footage: Path) -> None:
    with RtspCamera(footage) as camera:
        answer = call(site, camera.url, window_seconds=2)

    jpeg = base64.b64decode(answer.json()["results"]["thumbnail"], validate=True)
    shown = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert shown is not None
    size = (shown.shape[1], shown.shape[0])
    alike = [
        likeness(cv2.resize(frame, size, interpolation=cv2.INTER_AREA).astype(np.uint8), shown.astype(np.uint8))
        for frame in frames_of(footage, every=5)
    ]
    assert max(alike) > 0.95
    assert shown.std() > 20


def test_ten_calls_at_once_on_one_camera_decode_it_once(site: SiteUnderTest, footage: Path) -> None:
    before = openings(site)

    with RtspCamera(footage) as camera, ThreadPoolExecutor(10) as callers:
        answers = list(callers.map(lambda _: call(site, camera.url, window_seconds=3), range(10)))

    assert [answer.status_code for answer in answers] == [200] * 10
    assert openings(site) == before + 1


def test_camera_that_wants_a_password_is_opened_by_who_knows_it(site: SiteUnderTest, footage: Path) -> None:
    with RtspCamera(footage, user="admin", password="pass word") as camera:  # noqa: S106  (of this test's own camera)
        known = call(site, camera.url, window_seconds=1)
        unknown = call(site, camera.open_url, window_seconds=1)
        wrong = call(site, camera.url.replace("word", "port"), window_seconds=1)

    assert known.status_code == 200, known.text
    for answer in (unknown, wrong):
        assert (answer.status_code, answer.json()["type"]) == (422, "urn:watchpost:problem:camera-unauthorised")
    logs = [site.log_of(name) for name in ("api", "ingest", "inference", "events")]
    assert not any("pass word" in log or "pass%20word" in log for log in logs)


def test_camera_that_is_not_there_is_told_as_unreachable(site: SiteUnderTest, footage: Path) -> None:
    with RtspCamera(footage) as camera:
        url = camera.url

    answer = call(site, url)

    assert (answer.status_code, answer.json()["type"]) == (422, "urn:watchpost:problem:camera-unreachable")


def test_site_is_empty_after_the_calls(site: SiteUnderTest) -> None:
    def cameras() -> list[str]:
        listed = httpx.get(f"http://127.0.0.1:{site.api_port}/cameras").json()["cameras"]
        return [json.dumps(camera) for camera in listed]

    wait_for(cameras, lambda left: not left, within_s=5)
