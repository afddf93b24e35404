"""What names a record is found in what was encoded; what is no record is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.bridged_site import event, thumbnail
from watchpost.bridge.lanes import lanes
from watchpost.bridge.naming import Named, named
from watchpost.contracts import encode, fingerprint_in, read_fields, shipped_schemas
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


def test_record_cut_anywhere_is_refused() -> None:
    payload = encode(event("e1"))
    for size_bytes in range(len(payload)):
        with pytest.raises(ContractError):
            named(payload[:size_bytes], EVENTS, SCHEMAS)


def test_record_followed_by_a_byte_is_refused() -> None:
    with pytest.raises(ContractError, match="do not belong to it"):
        named(encode(event("e1")) + b"\0", EVENTS, SCHEMAS)


def test_record_of_another_lane_is_refused() -> None:
    with pytest.raises(ContractError, match="expected EventChanged, got ThumbnailTaken"):
        named(encode(thumbnail("t1")), EVENTS, SCHEMAS)


def test_field_that_a_schema_lacks_is_told() -> None:
    value = encode(event("e1"))

    with pytest.raises(ContractError, match="colour"):
        read_fields(value, ("event_id", "colour"), SCHEMAS.by_fingerprint(fingerprint_in(value)))
