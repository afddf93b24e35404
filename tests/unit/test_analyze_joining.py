"""Which camera a call joins, what calls that share one ask of it together, and how a camera's failure is told."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.specs import assignment, camera_spec
from watchpost.api.call_wishes import joint_assignment
from watchpost.api.joining import find_running
from watchpost.api.looking import failure_from
from watchpost.api.source_guard import GuardedSource
from watchpost.api.stream_addresses import same_server, same_stream
from watchpost.api.watching import camera_problem
from watchpost.contracts.records import SpecOrigin, Task
from watchpost.errors import SourceFailure

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SOURCE = "rtsp://10.0.0.5/live"
KNOWN_REF = "env:DOOR_LOGIN"
OPEN = GuardedSource(SOURCE, None, SOURCE)
LOCKED = GuardedSource(SOURCE, "admin:right", SOURCE)


def test_camera_with_the_same_source_and_no_password_is_joined() -> None:
    door = camera_spec("door", source=SOURCE)

    assert find_running([camera_spec("yard", source="rtsp://10.0.0.6/live"), door], OPEN, NOW) == door


def test_camera_that_is_configured_by_name_is_joined_by_that_name() -> None:
    door = camera_spec("door", source="rtsp://door.shop.example/live")
    wanted = GuardedSource(SOURCE, None, "rtsp://door.shop.example/live")

    assert find_running([door], wanted, NOW) == door


def test_camera_whose_substream_is_named_is_joined() -> None:
    door = camera_spec("door", source="rtsp://10.0.0.5/main", substream=SOURCE)

    assert find_running([door], OPEN, NOW) == door
    assert find_running([door], GuardedSource(f"{SOURCE}2", None, f"{SOURCE}2"), NOW) is None


def test_camera_whose_substream_is_named_is_not_joined_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOOR_LOGIN", "admin:right\n")
    door = camera_spec("door", source="rtsp://10.0.0.5/main", substream=SOURCE, secret_ref=KNOWN_REF)

    assert find_running([door], OPEN, NOW) is None
    assert find_running([door], LOCKED, NOW) == door


def test_configured_camera_goes_before_one_of_rest() -> None:
    rest = camera_spec("a", source=SOURCE, origin=SpecOrigin.REST)
    door = camera_spec("door", source=SOURCE)

    assert find_running([rest, door], OPEN, NOW) == door


@pytest.mark.parametrize("wanted", [OPEN, GuardedSource(SOURCE, "admin:wrong", SOURCE)])
def test_camera_with_a_password_is_not_joined_without_it(
    wanted: GuardedSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOOR_LOGIN", "admin:right\n")

    assert find_running([camera_spec("door", source=SOURCE, secret_ref=KNOWN_REF)], wanted, NOW) is None


def test_camera_with_a_password_is_joined_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOOR_LOGIN", "admin:right\n")
    door = camera_spec("door", source=SOURCE, secret_ref=KNOWN_REF)

    assert find_running([door], LOCKED, NOW) == door


def test_secret_that_cannot_be_read_is_known_to_nobody(tmp_path: Path) -> None:
    door = camera_spec("door", source=SOURCE, secret_ref=f"file:{tmp_path / 'gone'}")

    assert find_running([door], LOCKED, NOW) is None


def test_cameras_of_calls_and_those_that_are_over_are_not_joined_here() -> None:
    called = camera_spec("call-1", source=SOURCE, origin=SpecOrigin.ANALYZE)
    over = camera_spec("door", source=SOURCE, expires_at=NOW - timedelta(seconds=1))

    assert find_running([called, over], OPEN, NOW) is None


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("rtsp://10.0.0.5/live", "rtsp://10.0.0.5:554/live", True),
        ("rtsps://Door.example/live", "rtsps://door.example:322/live", True),
        ("http://10.0.0.5", "http://10.0.0.5:80/", True),
        ("rtsp://10.0.0.5/live", "rtsp://10.0.0.5:8554/live", False),
        ("rtsp://10.0.0.5/live?channel=1", "rtsp://10.0.0.5/live?channel=2", False),
        ("rtsp://10.0.0.5/live", "rtsps://10.0.0.5/live", False),
        ("rtsp://10.0.0.5/Live", "rtsp://10.0.0.5/live", False),
        ("sim:street?seed=1", "sim:street?seed=2", False),
        ("rtsp://[fd00::5]/live", "rtsp://[fd00::5]:554/live", True),
    ],
)
def test_streams_are_the_same_where_only_the_usual_port_is_left_out(one: str, other: str, same: bool) -> None:  # noqa: FBT001  (a table)
    assert same_stream(one, other) is same


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("rtsp://10.0.0.5/main", "rtsp://10.0.0.5:554/sub?x=1", True),
        ("https://10.0.0.5/a#host=nvr.example", "https://10.0.0.5:443/b#host=nvr.example", True),
        ("https://10.0.0.5/a#host=nvr.example", "https://10.0.0.5/b", False),
        ("https://10.0.0.5/a#host=nvr.example", "https://10.0.0.5/b#host=evil.example", False),
        ("rtsp://10.0.0.5/main", "rtsp://10.0.0.6/main", False),
        ("rtsp://10.0.0.5/main", "rtsp://10.0.0.5:8554/main", False),
        ("rtsps://10.0.0.5/main", "rtsp://10.0.0.5/main", False),
        ("sim:street", "sim:street", False),
    ],
)
def test_servers_are_the_same_where_a_password_reaches_nobody_new(one: str, other: str, same: bool) -> None:  # noqa: FBT001  (a table)
    assert same_server(one, other) is same


def test_shared_camera_does_what_all_its_calls_ask() -> None:
    counting = assignment(Task.PERSON_DETECTION, thumbnail_interval_s=60)
    sending = replace(assignment(Task.ABNORMAL_BEHAVIOR, thumbnail_interval_s=5), bandwidth_saving=False)

    joint = joint_assignment([counting, sending])

    assert set(joint.tasks) == set(Task)
    assert (joint.bandwidth_saving, joint.thumbnail_interval_s) == (False, 5)


@given(st.lists(st.tuples(st.sets(st.sampled_from(list(Task)), min_size=1), st.booleans()), min_size=1, max_size=6))
def test_order_of_calls_changes_nothing(asked: list[tuple[set[Task], bool]]) -> None:
    assignments = [assignment(*sorted(tasks), bandwidth_saving=saving) for tasks, saving in asked]

    assert joint_assignment(assignments) == joint_assignment(reversed(assignments))


@pytest.mark.parametrize("reason", list(SourceFailure))
def test_failure_that_ingest_tells_is_understood(reason: SourceFailure) -> None:
    failure = failure_from(f"{reason}: opening failed: 401")
    answered = camera_problem(failure)

    assert (failure.reason, failure.detail) == (reason, "opening failed: 401")
    assert answered.field == "stream_url"
    assert answered.remedy


@pytest.mark.parametrize("detail", ["", "something new", "unheard: of"])
def test_failure_of_an_unknown_kind_is_a_camera_that_does_not_answer(detail: str) -> None:
    assert camera_problem(failure_from(detail)).kind == "camera-unreachable"
