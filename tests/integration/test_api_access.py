"""Who may call the real process: what uvicorn and FastAPI do of themselves must not open a door."""

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml

from tests.fakes.api_service import ApiService
from tests.requirements import require
from watchpost.api.tokens import Role, new_token
from watchpost.settings import TokenSettings
from watchpost.stream.embedded import EmbeddedKafka

pytestmark = pytest.mark.kafka

OPEN = ("/healthz", "/readyz", "/metrics", "/openapi.json", "/docs")
TOKENS = {role: new_token(role, role) for role in Role}
NEW_CAMERA = {"name": "door", "source": "rtsp://10.1.2.3/live"}


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedKafka]:
    with EmbeddedKafka(tmp_path_factory.mktemp("kafka")) as running:
        yield running


@pytest.fixture(scope="module")
def tokens_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tokens") / "tokens.yaml"
    write_tokens(path, TOKENS[Role.OPERATOR][1])
    return path


@pytest.fixture(scope="module")
def api(kafka: EmbeddedKafka, tokens_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiService]:
    """One that lets nobody in without a token; the viewer's is in the settings, the operator's in the file."""
    settings: dict[str, Any] = {
        "loopback": False,
        "tokens": [TOKENS[Role.VIEWER][1].model_dump()],
        "tokens_file": str(tokens_file),
    }
    with ApiService(kafka.bootstrap, tmp_path_factory.mktemp("api"), **settings) as running:
        running.apply_topics()
        running.wait_until_ready()
        yield running


def write_tokens(path: Path, *entries: TokenSettings) -> None:
    partial = path.with_suffix(".partial")
    partial.write_text(yaml.safe_dump([entry.model_dump() for entry in entries]))
    partial.rename(path)


def other_address() -> str | None:
    """An address of this machine that is not loopback."""
    every = [one.address for of_one in psutil.net_if_addrs().values() for one in of_one if one.family == socket.AF_INET]
    return next((address for address in every if not address.startswith("127.")), None)


def operations(api: ApiService) -> list[tuple[str, str]]:
    """Every call that the api describes."""
    described = api.client().get("/openapi.json").json()["paths"]
    return [(method.upper(), path) for path, methods in described.items() for method in methods]


def test_every_call_but_health_needs_a_token(api: ApiService) -> None:
    client, wrong = api.client(), api.client("wp_wrong")

    # a body that would be refused, too: who calls is asked first
    answers = {
        (method, path): {one.request(method, path, content=b"{").status_code for one in (client, wrong)}
        for method, path in operations(api)
        if path not in OPEN
    }

    assert len(answers) >= 9
    assert set().union(*answers.values()) == {401}
    assert client.get("/events").headers["WWW-Authenticate"] == 'Bearer realm="watchpost"'


def test_health_metrics_and_the_description_are_open(api: ApiService) -> None:
    assert {path: api.client().get(path).status_code for path in OPEN} == dict.fromkeys(OPEN, 200)


def test_viewer_looks_and_operator_changes(api: ApiService) -> None:
    viewer, operator = api.client(TOKENS[Role.VIEWER][0]), api.client(TOKENS[Role.OPERATOR][0])

    seen = [
        viewer.get("/cameras"),
        viewer.post("/cameras", json=NEW_CAMERA),
        operator.post("/cameras", json=NEW_CAMERA),
        viewer.patch("/cameras/door", json={}),
        viewer.delete("/cameras/door"),
        viewer.post("/analyze", json={}),
        viewer.get("/analyze/stream"),
        operator.delete("/cameras/door"),
    ]

    assert [answer.status_code for answer in seen] == [200, 403, 201, 403, 403, 403, 403, 204]
    assert seen[1].json()["remedy"] == "call with the token of one who is operator"


def test_operator_covers_and_admin_uncovers(api: ApiService, tokens_file: Path) -> None:
    write_tokens(tokens_file, TOKENS[Role.OPERATOR][1], TOKENS[Role.ADMIN][1])
    operator, admin = api.client(TOKENS[Role.OPERATOR][0]), api.client(TOKENS[Role.ADMIN][0])
    unmasked = {"recording": {"enabled": True, "unmasked": True}}
    masked = {**NEW_CAMERA, "masks": {"shop": [0, 0, 0.5, 0.5]}, "regions": {"gate": {"box": [0, 0, 1, 0.5]}}}

    seen = [
        operator.post("/cameras", json={**masked, **unmasked}),
        operator.post("/cameras", json={**masked, "resolution": 480}),
        operator.patch("/cameras/door", json=unmasked),
        operator.patch("/cameras/door", json={"masks": {}}),
        operator.delete("/cameras/door"),
        admin.patch("/cameras/door", json={**unmasked, "uplink": "sampled"}),
        operator.patch("/cameras/door", json={"bandwidth_saving": False}),
        admin.delete("/cameras/door"),
    ]
    write_tokens(tokens_file, TOKENS[Role.OPERATOR][1])

    assert [answer.status_code for answer in seen] == [403, 201, 403, 403, 403, 200, 200, 204]
    assert seen[0].json()["field"] == "recording.unmasked"
    assert seen[1].json()["masks"] == {"shop": [[0, 0], [0.5, 0], [0.5, 0.5], [0, 0.5]]}
    assert seen[1].json()["regions"] == {"gate": {"box": [0, 0, 1, 0.5], "resolution": 480}}
    assert seen[3].json()["field"] == seen[4].json()["field"] == "masks"
    assert (seen[5].json()["uplink"], seen[5].json()["recording"]["unmasked"]) == ("sampled", True)
    assert (seen[6].json()["uplink"], seen[6].json()["bandwidth_saving"]) == ("full", False)


def test_token_that_is_taken_from_the_file_opens_nothing_any_more(api: ApiService, tokens_file: Path) -> None:
    operator, admin = api.client(TOKENS[Role.OPERATOR][0]), api.client(TOKENS[Role.ADMIN][0])
    before = [operator.get("/events").status_code, admin.get("/events").status_code]

    write_tokens(tokens_file, TOKENS[Role.ADMIN][1])
    after = [operator.get("/events").status_code, admin.get("/events").status_code]
    write_tokens(tokens_file, TOKENS[Role.OPERATOR][1])

    assert (before, after) == ([200, 401], [401, 200])


def test_tokens_are_in_no_log(api: ApiService) -> None:
    api.client(TOKENS[Role.VIEWER][0]).get(f"/events?token={TOKENS[Role.ADMIN][0]}")
    api.client(TOKENS[Role.ADMIN][0]).get("/events")

    assert all(token not in api.log_text() for token, _ in TOKENS.values())


def test_loopback_is_the_connection_and_not_what_it_says(kafka: EmbeddedKafka, tmp_path: Path) -> None:
    machine = other_address()
    require("an address beside loopback", "ip addr add 10.255.255.1/32 dev lo", found=machine is not None)
    with ApiService(kafka.bootstrap, tmp_path, host="0.0.0.0") as api:  # noqa: S104  (a container's setting)
        api.wait_until_ready()
        here = api.client()
        elsewhere = api.client(**{"X-Forwarded-For": "127.0.0.1", "Forwarded": "for=127.0.0.1", "Host": "127.0.0.1"})
        elsewhere.base_url = f"http://{machine}:{api.port}"

        assert here.get("/cameras").status_code == 200
        assert elsewhere.get("/cameras").status_code == 401
        assert here.get("/cameras", headers={"X-Forwarded-For": "10.0.0.1"}).status_code == 401
        assert here.get("/cameras", headers={"Host": "rebound.example"}).status_code == 403
        assert here.post("/cameras", json=NEW_CAMERA, headers={"Origin": "https://evil.example"}).status_code == 403
        assert here.get("/openapi.json").json()["paths"]["/cameras"]["get"]["security"] == [{"bearer": []}, {}]
