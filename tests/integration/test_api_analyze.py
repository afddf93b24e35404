"""Calls to /analyze against the api itself, on a real broker, with the rest of the site acted."""

import base64
import json
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from tests.fakes.acting_site import ActingSite, Scene, scene_jpeg
from tests.fakes.api_service import ApiService
from tests.fakes.specs import assignment, camera_spec
from tests.waiting import wait_for
from watchpost.errors import SourceFailure
from watchpost.stream.embedded import EmbeddedKafka

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(120)]

TIMEZONE = "Asia/Tokyo"
MAX_STREAMS = 3
# far under the lease of 15 s: who frees a camera frees it now
FREED_WITHIN_S = 3


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiService]:
    folder = tmp_path_factory.mktemp("api")
    more = {"site": {"name": "shop", "timezone": TIMEZONE}, "max_streams": MAX_STREAMS}
    with (
        EmbeddedKafka(folder / "kafka") as kafka,
        ApiService(kafka.bootstrap, folder, more, window_max_s=30, calls_per_minute=10_000) as service,
    ):
        service.apply_topics()
        service.wait_until_ready()
        yield service


def secrets_of(api: ApiService) -> list[Path]:
    """The files in which it keeps passwords now."""
    return [path for path in (api.state_dir / "secrets").glob("*") if path.is_file()]


def asked(source: str, *, window_s: float = 0.5, **more: Any) -> dict[str, Any]:
    return {
        "stream_url": source,
        "tasks": ["person_detection", "abnormal_behavior"],
        "output": {"bandwidth_saving": True, "thumbnail_interval": 10},
        "window_seconds": window_s,
        **more,
    }


def problem_of(answer: httpx.Response) -> tuple[int, str, str | None]:
    assert answer.headers["content-type"] == "application/problem+json"
    content = answer.json()
    assert content["detail"]
    assert content["remedy"]
    return answer.status_code, content["type"].rpartition(":")[2], content.get("field")


def test_published_call_is_answered_in_the_published_shape(api: ApiService, site: ActingSite) -> None:
    source = site.new_source(Scene(people=3, fall_after_s=0.2, bytes_per_s=1_000_000))
    before = datetime.now(UTC)

    answer = api.client().post("/analyze", json=asked(source, window_s=1.0))

    assert answer.status_code == 200, answer.text
    content = answer.json()
    saved, event = content.pop("bandwidth_saved"), content["results"]["abnormal_events"][0]
    fell_at = event.pop("time")
    assert content == {
        "status": "success",
        "results": {
            "person_count": 3,
            "abnormal_events": [{"type": "fall_detected", "confidence": 0.87}],
            "thumbnail": base64.b64encode(scene_jpeg(3)).decode(),
        },
    }
    assert 90 <= int(saved.removesuffix("%")) < 100
    times = {moment.astimezone(ZoneInfo(TIMEZONE)).strftime("%H:%M") for moment in (before, datetime.now(UTC))}
    assert fell_at[:5] in times


def test_camera_of_a_call_is_gone_when_the_call_is_over(api: ApiService, site: ActingSite) -> None:
    source = site.new_source(Scene())

    assert api.client().post("/analyze", json=asked(source)).status_code == 200

    site.wait_until_free()
    (camera,) = {name for name, spec in site.history if spec is not None and spec.source == source}
    wait_for(lambda: site.written(camera)[-1], lambda spec: spec is None)
    assert api.client().get("/cameras").json()["cameras"] == []


def test_caller_that_hangs_up_frees_its_camera(api: ApiService, site: ActingSite) -> None:
    source = site.new_source(Scene())
    body = json.dumps(asked(source, window_s=25)).encode()
    head = f"POST /analyze HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"

    with socket.create_connection(("127.0.0.1", api.port)) as caller:
        caller.sendall(f"{head}\r\n\r\n".encode() + body)
        wait_for(lambda: site.frames[source], lambda frames: frames > 2)

    site.wait_until_free()


def test_caller_that_hangs_up_while_the_camera_is_opened_frees_it(api: ApiService, site: ActingSite) -> None:
    source = site.new_source(Scene(opens_after_s=60))

    with pytest.raises(httpx.ReadTimeout):
        api.client().post("/analyze", json=asked(source), timeout=1)

    assert site.openings[source] == 1
    site.wait_until_free()


def test_ten_calls_at_once_share_one_camera(api: ApiService, site: ActingSite) -> None:
    source = site.new_source(Scene(people=2))

    with ThreadPoolExecutor(10) as callers:
        answers = list(callers.map(lambda _: api.client().post("/analyze", json=asked(source)), range(10)))

    assert [answer.status_code for answer in answers] == [200] * 10
    assert {answer.json()["results"]["person_count"] for answer in answers} == {2}
    assert site.openings[source] == 1


def test_call_that_asks_more_of_a_shared_camera_has_it_watched_for_all(api: ApiService, site: ActingSite) -> None:
    source = site.new_source(Scene(people=1, fall_after_s=0.6))

    with ThreadPoolExecutor(2) as callers:
        counting = callers.submit(
            api.client().post, "/analyze", json=asked(source, tasks=["person_detection"], window_s=2)
        )
        wait_for(lambda: site.frames[source])
        falling = api.client().post("/analyze", json=asked(source, tasks=["abnormal_behavior"], window_s=1)).json()
        counted = counting.result().json()

    assert counted["results"]["person_count"] == 1
    assert counted["results"]["abnormal_events"] == []
    assert falling["results"]["person_count"] == 0
    assert [event["type"] for event in falling["results"]["abnormal_events"]] == ["fall_detected"]
    assert site.openings[source] == 1


def test_configured_camera_that_shows_the_stream_is_joined(api: ApiService, site: ActingSite) -> None:
    source = site.new_source(Scene(people=4))
    site.write(camera_spec("door", source=source))
    wait_for(lambda: site.frames[source])

    same_with_port = source.replace("10.0.0.5", "10.0.0.5:554")

    answer = api.client().post("/analyze", json=asked(same_with_port))

    site.remove("door")
    assert answer.json()["results"]["person_count"] == 4
    assert (site.openings[source], site.openings[same_with_port]) == (1, 0)


def test_call_to_a_camera_that_runs_waits_for_no_further_frame(api: ApiService, site: ActingSite) -> None:
    source = site.new_source(Scene(people=3, fps=0.05))
    site.write(camera_spec("still", source=source))
    wait_for(
        lambda: api.client().get("/cameras/still").json().get("presence", {}).get("state"), lambda at: at == "online"
    )

    answer = api.client().post("/analyze", json=asked(source, window_s=0.2))

    site.remove("still")
    assert answer.json()["results"]["person_count"] == 3
    assert site.frames[source] == 1


def test_camera_with_a_password_is_not_joined_by_who_does_not_know_it(api: ApiService, site: ActingSite) -> None:
    source = site.new_source(Scene())
    secret = api.state_dir.parent / "yard.secret"
    secret.write_text("admin:right\n")
    site.write(camera_spec("yard", source=source, secret_ref=f"file:{secret}"))
    wait_for(lambda: site.frames[source])

    stranger = api.client().post("/analyze", json=asked(source))
    openings = site.openings[source]
    owner = api.client().post("/analyze", json=asked(source.replace("//", "//admin:right@")))

    site.remove("yard")
    assert (stranger.status_code, owner.status_code) == (200, 200)
    assert (openings, site.openings[source]) == (2, 2)


def test_joined_camera_that_is_not_watched_for_a_task_says_so(api: ApiService, site: ActingSite) -> None:
    source = site.new_source(Scene())
    site.write(replace(camera_spec("till", source=source), assignment=assignment("person_detection")))
    wait_for(lambda: site.frames[source])

    answer = api.client().post("/analyze", json=asked(source))

    site.remove("till")
    assert problem_of(answer) == (422, "invalid-request", "tasks")
    assert "till" in answer.json()["remedy"]


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        (SourceFailure.UNAUTHORISED, "camera-unauthorised"),
        (SourceFailure.REFUSED, "camera-unreachable"),
        (SourceFailure.TIMEOUT, "camera-unreachable"),
        (SourceFailure.UNSUPPORTED, "camera-unsupported"),
    ],
)
def test_camera_that_fails_is_told_at_once_and_by_its_reason(
    api: ApiService, site: ActingSite, failure: SourceFailure, kind: str
) -> None:
    source = site.new_source(Scene(fails=failure))
    began_s = time.monotonic()

    answer = api.client().post("/analyze", json=asked(source))

    assert problem_of(answer) == (422, kind, "stream_url")
    assert time.monotonic() - began_s < 3


def test_camera_that_goes_offline_in_the_window_is_no_success(api: ApiService, site: ActingSite) -> None:
    source = site.new_source(Scene(dies_after_s=0.5))

    answer = api.client().post("/analyze", json=asked(source, window_s=10))

    assert problem_of(answer) == (422, "camera-unreachable", "stream_url")


def test_camera_that_falls_silent_in_the_window_is_no_success(api: ApiService, site: ActingSite) -> None:
    source = site.new_source(Scene(silent_after_s=0.5))

    answer = api.client().post("/analyze", json=asked(source, window_s=7))

    assert problem_of(answer) == (422, "camera-unreachable", "stream_url")
    assert "of the window" in answer.json()["detail"]


def test_more_than_max_streams_is_refused_before_anything_is_written(api: ApiService, site: ActingSite) -> None:
    names = [f"full-{number}" for number in range(MAX_STREAMS)]
    for name in names:
        site.write(camera_spec(name, source=site.new_source(Scene())))
    wait_for(lambda: len(api.client().get("/cameras").json()["cameras"]), lambda count: count == MAX_STREAMS)
    source = site.new_source(Scene())

    answer = api.client().post("/analyze", json=asked(source))

    for name in names:
        site.remove(name)
    assert problem_of(answer) == (409, "max-streams", "stream_url")
    assert str(MAX_STREAMS) in answer.json()["detail"]
    assert site.openings[source] == 0


@pytest.mark.parametrize(
    ("wrong", "kind", "field", "said"),
    [
        ({"tasks": ["person_detection", "cats"]}, "unknown-task", "tasks.1", "abnormal_behavior"),
        ({"window": 3}, "invalid-request", "window", "window_seconds"),
        ({"output": {"bandwith_saving": True}}, "invalid-request", "output.bandwith_saving", "bandwidth_saving"),
        ({"window_seconds": 31}, "invalid-request", "window_seconds", "30"),
        ({"window_seconds": 0}, "invalid-request", "window_seconds", ""),
        ({"tasks": "person_detection"}, "invalid-request", "tasks", ""),
        ({"output": {"thumbnail_interval": "10"}}, "invalid-request", "output.thumbnail_interval", ""),
        ({"stream_url": "file:///etc/passwd"}, "source-refused", "stream_url", "rtsp://"),
        ({"stream_url": "rtsp://127.0.0.1/live"}, "source-refused", "stream_url", ""),
    ],
)
def test_wrong_call_names_the_field_and_the_remedy(
    api: ApiService, site: ActingSite, wrong: dict[str, Any], kind: str, field: str, said: str
) -> None:
    answer = api.client().post("/analyze", json={**asked(site.new_source(Scene())), **wrong})

    assert problem_of(answer) == (422, kind, field)
    assert said in answer.json()["remedy"]
    assert not site.watched


def test_without_bandwidth_saving_sampled_frames_go_up_and_the_figure_says_so(
    api: ApiService, site: ActingSite
) -> None:
    scene = Scene(bytes_per_s=100_000)
    saving, sending = site.new_source(scene), site.new_source(scene)
    output = {"bandwidth_saving": False, "thumbnail_interval": 10}

    saved = api.client().post("/analyze", json=asked(saving, window_s=1)).json()["bandwidth_saved"]
    sent = api.client().post("/analyze", json=asked(sending, window_s=1, output=output)).json()["bandwidth_saved"]

    assert int(sent.removesuffix("%")) < int(saved.removesuffix("%")) - 5


def test_credentials_lie_in_a_file_for_as_long_as_the_call_and_nowhere_else(api: ApiService, site: ActingSite) -> None:
    source = site.new_source(Scene())
    address = source.replace("//", "//admin:s3cret-word@")

    with ThreadPoolExecutor(1) as callers:
        call = callers.submit(api.client().post, "/analyze", json=asked(address, window_s=1))
        (spec,) = wait_for(lambda: list(site.watched.values()))
        (file,) = secrets_of(api)
        kept, mode = file.read_text(), file.stat().st_mode & 0o777
        answer = call.result()

    assert answer.status_code == 200
    assert (kept, oct(mode)) == ("admin:s3cret-word", "0o600")
    assert (spec.source, spec.secret_ref) == (source, f"file:{file}")
    wait_for(lambda: secrets_of(api), lambda files: not files, within_s=FREED_WITHIN_S)
    assert "s3cret-word" not in api.log_text()


def test_lease_is_renewed_for_as_long_as_a_call_holds_the_camera(api: ApiService, site: ActingSite) -> None:
    source = site.new_source(Scene())

    assert api.client().post("/analyze", json=asked(source, window_s=6)).status_code == 200

    ends = [spec.expires_at for _, spec in site.history if spec is not None and spec.source == source]
    assert len(ends) >= 2
    assert ends == sorted(ends, key=lambda end: end or datetime.max.replace(tzinfo=UTC))


def test_short_window_is_answered_with_a_thumbnail_that_came_before(api: ApiService, site: ActingSite) -> None:
    source = site.new_source(Scene(people=5))
    site.write(camera_spec("shelf", source=source))
    wait_for(lambda: site.frames[source], lambda frames: frames > 3)

    answer = api.client().post("/analyze", json=asked(source, window_s=0.05))

    site.remove("shelf")
    assert answer.json()["results"]["thumbnail"] == base64.b64encode(scene_jpeg(5)).decode()


def test_camera_without_any_thumbnail_is_no_success(api: ApiService, site: ActingSite) -> None:
    answer = api.client().post("/analyze", json=asked(site.new_source(Scene(has_thumbnails=False)), window_s=0.1))

    assert answer.status_code == 503
    assert "thumbnail" in answer.json()["detail"]
