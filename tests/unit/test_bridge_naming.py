"""What names a record is found in what was encoded; what is no record is refused."""

from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.bridged_site import event, thumbnail
from watchpost.bridge.lanes import lanes
from watchpost.bridge.naming import Named, named
from watchpost.contracts import RecordSchema, encode, fingerprint_in, read_fields, read_head, shipped_schemas
from watchpost.contracts.records import CameraId
from watchpost.errors import ContractError
from watchpost.settings import BridgeSettings, ThumbnailSettings

EVENTS, THUMBNAILS = lanes(BridgeSettings(), ThumbnailSettings())
SCHEMAS = shipped_schemas()


@given(st.text(), st.text(), st.integers(-(2**31), 2**31 - 1))
def test_name_of_an_event_is_its_camera_and_what_was_encoded(name: str, camera: str, revision: int) -> None:
    value = encode(event(name, camera, revision))

    assert named(value, EVENTS, SCHEMAS) == Named(CameraId(camera), f"{name}/{revision}")


def test_another_revision_is_another_record() -> None:
    first, second = (named(encode(event("e1", revision=number)), EVENTS, SCHEMAS) for number in (1, 2))

    assert first.identity != second.identity


def test_name_of_a_thumbnail_is_its_own() -> None:
    assert named(encode(thumbnail("t1")), THUMBNAILS, SCHEMAS) == Named(CameraId("door"), "t1")


def test_record_cut_within_its_name_is_refused() -> None:
    value = encode(event("e1", camera="yard"))
    for size_bytes in range(value.index(b"yard") + len(b"yard")):
        with pytest.raises(ContractError):
            named(value[:size_bytes], EVENTS, SCHEMAS)


def test_record_damaged_behind_its_name_is_named() -> None:
    value = encode(event("e1", camera="yard"))

    found = named(value[: value.index(b"yard") + len(b"yard")], EVENTS, SCHEMAS)

    assert found == named(value, EVENTS, SCHEMAS)


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
        named(encode(thumbnail("t1")), EVENTS, SCHEMAS)


@pytest.mark.parametrize("read", [read_fields, read_head])
def test_field_that_a_schema_lacks_is_told(read: Callable[[bytes, Sequence[str], RecordSchema], object]) -> None:
    value = encode(event("e1"))

    with pytest.raises(ContractError, match="colour"):
        read(value, ("event_id", "colour"), SCHEMAS.by_fingerprint(fingerprint_in(value)))
