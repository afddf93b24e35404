"""Cameras of REST with a substream: the api's process takes, shows and removes it, and ingest opens it."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import av
import pytest

from tests.fakes.api_service import ApiService
from tests.fakes.brokers import unique
from tests.fakes.camera import RtspCamera, require_rtsp_server
from tests.fakes.coded import coded_clip
from tests.fakes.forbidden_sources import forbidden_stream_urls
from tests.fakes.ingest_service import IngestService
from tests.fakes.scripted_servers import Listener
from tests.fakes.specs import camera_spec
from tests.waiting import wait_for
from watchpost.contracts.records import CameraId, CameraSpec, SpecOrigin
from watchpost.recordings import recorded_until_us
from watchpost.recordings.folder import segments_of
from watchpost.stream.embedded import EmbeddedKafka

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(240)]

MAIN, SUB, ELSEWHERE = "rtsp://10.1.2.3/main", "rtsp://10.1.2.3/sub", "rtsp://10.6.6.6/sub"
PASSWORD = "correct-horse-battery"  # noqa: S105  (a test's)
LOGIN = {"username": "admin", "password": PASSWORD}


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedKafka]:
    with EmbeddedKafka(tmp_path_factory.mktemp("kafka")) as running:
        yield running


@pytest.fixture(scope="module")
def api(kafka: EmbeddedKafka, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiService]:
    folder = tmp_path_factory.mktemp("api")
    with ApiService(kafka.bootstrap, folder) as running:
        running.apply_topics()
        running.wait_until_ready()
        yield running


def spec_of(api: ApiService, name: str) -> CameraSpec:
    return api.specs()[CameraId(name)]


def secrets_of(api: ApiService, name: str) -> list[str]:
    return [path.read_text() for path in (api.state_dir / "secrets").glob(f"{name}.*")]


def test_substream_stands_in_kafka_as_the_configuration_would_have_it_and_is_shown(api: ApiService) -> None:
    name = unique("camera")

    answer = api.client().post("/cameras", json={"name": name, "source": MAIN, "substream": SUB})

    assert answer.status_code == 201, answer.text
    spec = spec_of(api, name)
    assert (spec.source, spec.substream, spec.secret_ref, spec.origin) == (MAIN, SUB, None, SpecOrigin.REST)
    assert (answer.json()["source"], answer.json()["substream"]) == (MAIN, SUB)
    assert api.client().get(f"/cameras/{name}").json() == answer.json()


def test_substream_is_added_changed_and_removed_and_touches_nothing_else(api: ApiService) -> None:
    name = unique("camera")
    client = api.client()
    client.post("/cameras", json={"name": name, "source": MAIN, "max_frames": 3, **LOGIN})
    before = spec_of(api, name)

    added = client.patch(f"/cameras/{name}", json={"substream": SUB})
    after_added = spec_of(api, name)
    kept = client.patch(f"/cameras/{name}", json={"max_frames": 4})
    removed = client.patch(f"/cameras/{name}", json={"substream": None, "max_frames": 3})

    assert [answer.json()["substream"] for answer in (added, kept, removed)] == [SUB, SUB, None]
    assert replace(after_added, config_version="") == replace(before, substream=SUB, config_version="")
    assert spec_of(api, name) == before
    assert secrets_of(api, name) == [f"admin:{PASSWORD}"]


def test_password_is_kept_for_both_streams_in_one_file_and_shown_nowhere(api: ApiService) -> None:
    by_field, by_url = unique("field"), unique("url")
    client = api.client()
    locked = SUB.replace("//", f"//admin:{PASSWORD}@")
    answers = [
        client.post("/cameras", json={"name": by_field, "source": MAIN, "substream": SUB, **LOGIN}),
        client.post("/cameras", json={"name": by_url, "source": MAIN, "substream": locked}),
        client.post("/cameras", json={"name": "x", "source": MAIN.replace("//", "//a:b@"), "substream": locked}),
        client.post("/cameras", json={"name": "x", "source": MAIN, "substream": f"{locked}?pwd={PASSWORD}"}),
        client.get("/cameras"),
    ]

    assert [answer.status_code for answer in answers] == [201, 201, 422, 422, 200]
    assert [answer.json()["field"] for answer in answers[2:4]] == ["substream", "substream"]
    for name in (by_field, by_url):
        assert secrets_of(api, name) == [f"admin:{PASSWORD}"]
        assert (spec_of(api, name).source, spec_of(api, name).substream) == (MAIN, SUB)
    assert all(PASSWORD not in answer.text for answer in answers)
    assert PASSWORD not in api.log_text()
    assert PASSWORD not in str(api.specs())


def test_password_does_not_follow_a_substream_to_another_server(api: ApiService) -> None:
    name = unique("camera")
    client = api.client()
    client.post("/cameras", json={"name": name, "source": MAIN, "substream": SUB, **LOGIN})
    before = spec_of(api, name)

    refused = client.patch(f"/cameras/{name}", json={"substream": ELSEWHERE})
    as_it_was = spec_of(api, name)
    together = client.patch(f"/cameras/{name}", json={"source": MAIN, "substream": ELSEWHERE, **LOGIN})

    assert (refused.status_code, refused.json()["field"]) == (422, "substream")
    assert "another server" in refused.json()["detail"]
    assert refused.json()["remedy"]
    assert as_it_was == before
    assert (together.status_code, together.json()["substream"]) == (200, ELSEWHERE)


def test_camera_of_the_file_shows_its_substream_without_what_is_secret(api: ApiService) -> None:
    name = unique("configured")
    api.write(camera_spec(name, source=MAIN, substream="http://user@10.0.0.9/sub?token=hidden"))
    client = api.client()

    shown = wait_for(lambda: client.get(f"/cameras/{name}"), lambda answer: answer.status_code == 200).json()

    assert shown["substream"] == "http://10.0.0.9/sub?token=***"


def test_forbidden_substreams_are_told_the_remedy_and_become_no_camera(kafka: EmbeddedKafka, tmp_path: Path) -> None:
    with Listener() as forbidden, ApiService(kafka.bootstrap, tmp_path) as api:
        api.wait_until_ready()
        client = api.client()
        client.post("/cameras", json={"name": "door", "source": MAIN})
        before = api.specs()
        urls = forbidden_stream_urls(forbidden.port)
        added = [
            client.post("/cameras", json={"name": f"c{number}", "source": MAIN, "substream": url})
            for number, url in enumerate(urls)
        ]
        changed = [client.patch("/cameras/door", json={"substream": url}) for url in urls]
        after = api.specs()

    told = {(answer.status_code, answer.json()["field"], bool(answer.json()["remedy"])) for answer in added + changed}
    assert len(urls) >= 40
    assert told == {(422, "substream", True)}
    assert after == before
    assert forbidden.seen == []


def test_ingest_analyses_the_substream_that_rest_names_and_records_the_source(
    fresh_broker: Callable[[], EmbeddedKafka], tmp_path: Path
) -> None:
    require_rtsp_server()
    door, root, bootstrap = CameraId("door"), tmp_path / "recordings", fresh_broker().bootstrap
    large = coded_clip(tmp_path, seconds=4, size="640x360", suffix="mp4", kbps=2000)
    small = coded_clip(tmp_path, seconds=4, size="160x90", suffix="mp4")
    with (
        RtspCamera(large, user="admin", password=PASSWORD) as main,
        RtspCamera(small, user="admin", password=PASSWORD) as sub,
        IngestService(bootstrap, tmp_path, more={"recordings": {"path": str(root)}}) as ingest,
        ApiService(bootstrap, tmp_path, allowed_sources=["localhost"]) as api,
    ):
        api.wait_until_ready()
        streams = {"source": main.open_url, "substream": sub.open_url}
        recorded = {"recording": {"enabled": True}}
        added = api.client().post("/cameras", json={"name": door, **streams, **LOGIN, **recorded})
        seen = wait_for(lambda: ingest.frames(door), lambda frames: len(frames) >= 3, within_s=60)
        wait_for(lambda: recorded_until_us(root, door), within_s=60)
        api.client().patch("/cameras/door", json={"substream": None})
        wait_for(lambda: ingest.frames(door)[-1].source.width, lambda width: width == 640, within_s=60)
        log = ingest.log.read_text()
    with av.open(str(segments_of(root, door)[0].path)) as recording:
        kept = recording.streams.video[0]
        recorded_size = (kept.width, kept.height)

    assert added.status_code == 201, added.text
    assert {(frame.source.width, frame.source.height) for frame in seen} == {(160, 90)}
    assert recorded_size == (640, 360)
    assert PASSWORD not in log
