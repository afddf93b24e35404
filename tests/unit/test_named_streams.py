"""A camera's two streams are judged alike, share one password, and take it to nobody who did not have it."""

import asyncio
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.fakes.specs import camera_spec
from watchpost.api.camera_shapes import CameraChange, NewCamera
from watchpost.api.named_streams import NamedStreams, named_streams
from watchpost.api.parts import ApiParts
from watchpost.contracts.records import CameraSpec
from watchpost.errors import CallError
from watchpost.settings import SiteSettings

MAIN, SUB, ELSEWHERE = "rtsp://10.0.0.8/main", "rtsp://10.0.0.8/sub", "rtsp://10.6.6.6/sub"
LOGIN = {"username": "admin", "password": "hush"}
LOCKED = camera_spec(source=MAIN, secret_ref="file:/secrets/door")  # noqa: S106  (a name)


def at_camera(_name: str) -> Sequence[str]:
    return ["10.0.0.7"]


def taken_in(body: NewCamera | CameraChange) -> NamedStreams:
    parts = cast("ApiParts", SimpleNamespace(settings=SiteSettings(), resolve=at_camera))
    return asyncio.run(named_streams(parts, body))


def new(**fields: Any) -> NamedStreams:
    return taken_in(NewCamera.model_validate({"name": "door", **fields}))


def change(**fields: Any) -> NamedStreams:
    return taken_in(CameraChange.model_validate(fields))


def with_login(address: str, login: str = "admin:hush") -> str:
    return address.replace("//", f"//{login}@")


def test_substream_is_resolved_once_and_pinned_as_the_source_is() -> None:
    streams = new(source=MAIN, substream="rtsps://nvr.shop.example/sub")

    assert streams.addresses == {"source": MAIN, "substream": "rtsps://10.0.0.7/sub#host=nvr.shop.example"}


@pytest.mark.parametrize(
    "refused",
    [
        "rtsp://127.0.0.1/sub",
        "rtsp://169.254.169.254/sub",
        "http://10.0.0.8/sub",
        "file:/etc/passwd",
        "sim:street",
        "rtsp://10.0.0.8/sub?password=hush",
        "http://93.184.215.14/sub.m3u8",
    ],
)
def test_substream_that_may_not_be_opened_is_refused_by_its_own_name(refused: str) -> None:
    for body in (
        NewCamera(name="door", source=MAIN, substream=refused),
        CameraChange(substream=refused),
    ):
        with pytest.raises(CallError) as caught:
            taken_in(body)

        assert (caught.value.kind, caught.value.field) == ("source-refused", "substream")
        assert caught.value.remedy
        assert "hush" not in f"{caught.value} {caught.value.detail}"


@pytest.mark.parametrize(
    "fields",
    [
        {"source": MAIN, "substream": SUB, **LOGIN},
        {"source": with_login(MAIN), "substream": SUB},
        {"source": MAIN, "substream": with_login(SUB)},
        {"source": with_login(MAIN), "substream": with_login(SUB)},
    ],
    ids=["fields", "source", "substream", "both"],
)
def test_user_and_password_are_those_of_both_streams_wherever_they_stand(fields: dict[str, str]) -> None:
    streams = new(**fields)

    assert streams.credentials == "admin:hush"
    assert streams.addresses == {"source": MAIN, "substream": SUB}
    assert "hush" not in repr(streams)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"source": with_login(MAIN), "substream": with_login(SUB, "admin:other")}, "substream"),
        ({"source": MAIN, "substream": with_login(SUB), **LOGIN}, "username"),
    ],
)
def test_two_passwords_of_one_camera_are_refused(fields: dict[str, str], field: str) -> None:
    with pytest.raises(CallError) as caught:
        new(**fields)

    assert (caught.value.kind, caught.value.field) == ("invalid-request", field)
    assert "hush" not in f"{caught.value} {caught.value.detail} {caught.value.remedy}"


@pytest.mark.parametrize(
    ("fields", "addresses", "replaces"),
    [
        ({}, {}, False),
        ({"substream": SUB}, {"substream": SUB}, False),
        ({"substream": None}, {"substream": None}, False),
        ({"source": MAIN}, {"source": MAIN}, True),
        ({"source": None}, {}, False),
        (LOGIN, {}, True),
        ({"username": None, "password": None}, {}, True),
        ({"substream": with_login(SUB)}, {"substream": SUB}, True),
    ],
)
def test_change_names_what_is_given_and_keeps_the_password_unless_another_comes(
    fields: dict[str, Any],
    addresses: dict[str, str | None],
    replaces: bool,  # noqa: FBT001  (a table)
) -> None:
    streams = change(**fields)

    assert (streams.addresses, streams.replaces_credentials) == (addresses, replaces)


@pytest.mark.parametrize(
    ("fields", "before"),
    [
        ({"substream": SUB}, LOCKED),
        ({"substream": "rtsp://10.0.0.8:554/sub"}, LOCKED),
        ({"substream": None}, LOCKED),
        ({"substream": ELSEWHERE}, camera_spec(source=MAIN)),
        ({"substream": ELSEWHERE, "username": None}, LOCKED),
        ({"source": MAIN, "substream": ELSEWHERE, **LOGIN}, LOCKED),
        ({"source": ELSEWHERE}, LOCKED),
        ({"source": ELSEWHERE, "substream": None, **LOGIN}, camera_spec(source=MAIN, substream=SUB)),
        (LOGIN, camera_spec(source=MAIN, substream=ELSEWHERE)),
        ({"source": f"{MAIN}2", **LOGIN}, camera_spec(source=MAIN, substream=SUB)),
    ],
)
def test_change_that_sends_no_password_to_a_new_server_is_taken(fields: dict[str, Any], before: CameraSpec) -> None:
    change(**fields).check_password_stays(before)


@pytest.mark.parametrize(
    ("fields", "before", "field"),
    [
        ({"substream": ELSEWHERE}, LOCKED, "substream"),
        ({"substream": "rtsp://10.0.0.8:8554/sub"}, LOCKED, "substream"),
        ({"substream": ELSEWHERE, **LOGIN}, LOCKED, "source"),
        ({"substream": with_login(ELSEWHERE)}, camera_spec(source=MAIN), "source"),
        ({"source": ELSEWHERE, **LOGIN}, camera_spec(source=MAIN, substream=SUB), "substream"),
        ({"source": with_login(ELSEWHERE)}, camera_spec(source=MAIN, substream=SUB), "substream"),
    ],
)
def test_change_that_would_send_a_password_to_a_server_it_was_not_given_for_is_refused(
    fields: dict[str, Any], before: CameraSpec, field: str
) -> None:
    streams = change(**fields)

    with pytest.raises(CallError) as caught:
        streams.check_password_stays(before)

    assert (caught.value.kind, caught.value.field) == ("invalid-request", field)
    assert "together" in str(caught.value.remedy)
