"""What names a record is found in what was encoded; what is no record is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.bridged_site import event, thumbnail
from watchpost.bridge.lanes import lanes
from watchpost.bridge.naming import Named, Namer
from watchpost.contracts import RecordHead, encode, fingerprint_in, read_fields, shipped_schemas
from watchpost.contracts.records import CameraId
from watchpost.errors import ContractError
from watchpost.settings import BridgeSettings, ThumbnailSettings

SCHEMAS = shipped_schemas()
EVENTS, THUMBNAILS = (Namer(lane, SCHEMAS) for lane in lanes(BridgeSettings(), ThumbnailSettings()))


@given(st.text(), st.text(), st.integers(-(2**31), 2**31 - 1))
def test_name_of_an_event_is_its_camera_and_what_was_encoded(name: str, camera: str, revision: int) -> None:
    value = encode(event(name, camera, revision))

    assert EVENTS.named(value) == Named(CameraId(camera), f"{name}/{revision}")


def test_another_revision_is_another_record() -> None:
    first, second = (EVENTS.named(encode(event("e1", revision=number))) for number in (1, 2))

    assert first.identity != second.identity


def test_name_of_a_thumbnail_is_its_own() -> None:
    assert THUMBNAILS.named(encode(thumbnail("t1"))) == Named(CameraId("door"), "t1")


def test_record_cut_within_its_name_is_refused() -> None:
    value = encode(event("e1", camera="yard"))
    for size_bytes in range(value.index(b"yard") + len(b"yard")):
        with pytest.raises(ContractError):
            EVENTS.named(value[:size_bytes])


def test_record_damaged_behind_its_name_is_named() -> None:
    value = encode(event("e1", camera="yard"))

    found = EVENTS.named(value[: value.index(b"yard") + len(b"yard")])

    assert found == EVENTS.named(value)


def test_fields_of_a_record_cut_anywhere_are_refused() -> None:
    value = encode(event("e1"))
    writer = SCHEMAS.by_fingerprint(fingerprint_in(value))
    for size_bytes in range(len(value)):
        with pytest.raises(ContractError):
            read_fields(value[:size_bytes], ("event_id",), writer)


def test_fields_of_a_record_followed_by_a_byte_are_refused() -> None:
    value = encode(event("e1"))

    with pytest.raises(ContractError, match="do not belong to it"):
        read_fields(value + b"\0", ("event_id",), SCHEMAS.by_fingerprint(fingerprint_in(value)))


def test_record_of_another_lane_is_refused() -> None:
    with pytest.raises(ContractError, match="expected EventChanged, got ThumbnailTaken"):
        EVENTS.named(encode(thumbnail("t1")))


def test_field_that_a_schema_lacks_is_told() -> None:
    value, names = encode(event("e1")), ("event_id", "colour")
    writer = SCHEMAS.by_fingerprint(fingerprint_in(value))

    with pytest.raises(ContractError, match="colour"):
        read_fields(value, names, writer)
    with pytest.raises(ContractError, match="colour"):
        RecordHead(writer, names).read(value)
