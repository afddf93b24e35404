"""What is read without decoding is what decoding reads; what is no record is refused."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.bridged_site import event, thumbnail
from watchpost.contracts import RecordSchema, Schemas, encode, shipped_schemas
from watchpost.contracts.skimming import skimmer
from watchpost.errors import ContractError

_EVENT = shipped_schemas().latest("EventChanged")
_NAMES = ("camera", "event_id", "revision")


def _learned(fields: list[dict[str, Any]]) -> RecordSchema:
    return Schemas(iter(())).learn(json.dumps({"type": "record", "name": "Thing", "fields": fields}))


@given(st.text(), st.text(), st.integers(-(2**31), 2**31 - 1))
def test_skimming_an_event_finds_what_was_encoded(name: str, camera: str, revision: int) -> None:
    assert skimmer(_EVENT, _NAMES)(encode(event(name, camera, revision))) == (camera, name, revision)


def test_skimming_a_thumbnail_passes_over_its_picture() -> None:
    schema = shipped_schemas().latest("ThumbnailTaken")

    assert skimmer(schema, ("thumbnail_id",))(encode(thumbnail("t1"))) == ("t1",)


def test_record_cut_anywhere_is_refused() -> None:
    skim, payload = skimmer(_EVENT, _NAMES), encode(event("e1"))
    for size_bytes in range(10, len(payload)):
        with pytest.raises(ContractError):
            skim(payload[:size_bytes])


def test_record_followed_by_a_byte_is_refused() -> None:
    with pytest.raises(ContractError, match="end at byte"):
        skimmer(_EVENT, _NAMES)(encode(event("e1")) + b"\0")


@pytest.mark.parametrize(
    ("kind", "encoded"),
    [
        ({"type": "array", "items": "long"}, b"\x04\x02\x04\x00"),
        ({"type": "array", "items": "long"}, b"\x01\x02\x80\x01\x00"),
        ({"type": "map", "values": "string"}, b"\x02\x02a\x02b\x00"),
        ({"type": "fixed", "name": "Four", "size": 4}, b"abcd"),
        ({"type": "record", "name": "Inner", "fields": [{"name": "a", "type": "float"}]}, b"abcd"),
        (["null", "boolean"], b"\x02\x01"),
        (["null", "boolean"], b"\x00"),
        ({"type": "enum", "name": "Kind", "symbols": ["a", "b"]}, b"\x02"),
        ({"type": "string"}, b"\x80\x01" + b"x" * 64),
    ],
)
def test_every_kind_of_value_is_passed_over(kind: object, encoded: bytes) -> None:
    schema = _learned([{"name": "before", "type": kind}, {"name": "wanted", "type": "string"}])

    assert skimmer(schema, ("wanted",))(bytes(10) + encoded + b"\x04hi") == ("hi",)


@pytest.mark.parametrize(
    ("kind", "encoded"),
    [
        (["null", "boolean"], b"\x04\x01"),
        ({"type": "enum", "name": "Kind", "symbols": ["a", "b"]}, b"\x04"),
        ("string", b"\x01"),
        ({"type": "array", "items": "null"}, b"\xfe\xff\xff\xff\x0f\x00"),
    ],
)
def test_value_that_its_schema_does_not_know_is_refused(kind: object, encoded: bytes) -> None:
    schema = _learned([{"name": "before", "type": kind}, {"name": "wanted", "type": "string"}])

    with pytest.raises(ContractError):
        skimmer(schema, ("wanted",))(bytes(10) + encoded + b"\x04hi")


def test_names_that_a_schema_lacks_are_told() -> None:
    with pytest.raises(ContractError, match="colour"):
        skimmer(_EVENT, ("event_id", "colour"))
