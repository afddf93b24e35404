"""Records survive the wire unchanged, and damaged bytes are named, never misread."""

import io
import typing
from datetime import UTC, datetime
from typing import Any

import fastavro
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from watchpost.contracts import decode, encode, fingerprint_in, fingerprint_of, shipped_schemas, to_confluent
from watchpost.contracts.records import (
    CameraId,
    Command,
    CommandKind,
    EventChanged,
    FrameAnalyzed,
    FrameCaptured,
    Record,
    SiteId,
)
from watchpost.errors import ContractError, UnknownSchemaError

RECORDS: tuple[type[Record], ...] = typing.get_args(Record)

# Avro has 32-bit ints, 64-bit floats and microseconds: values that the wire can hold, and all of them
st.register_type_strategy(datetime, st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001  (hypothesis wants naive bounds)
st.register_type_strategy(float, st.floats(allow_nan=False))
st.register_type_strategy(int, st.integers(-(2**31), 2**31 - 1))
st.register_type_strategy(str, st.text(st.characters(exclude_categories=["Cs"]), max_size=20))


def command() -> Command:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    return Command("c1", SiteId("s"), CameraId("door"), CommandKind.BURST, now, now, 10_000, 10_000, None, "events")


@pytest.mark.parametrize("kind", RECORDS, ids=lambda record: record.__name__)
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(data=st.data())
def test_record_survives_the_wire_unchanged(kind: type[Record], data: st.DataObject) -> None:
    record = data.draw(st.from_type(kind))

    assert decode(encode(record), kind) == record


def test_payload_is_single_object_encoding_that_any_avro_reader_understands() -> None:
    payload = encode(command())
    schema = shipped_schemas().latest("Command")

    assert payload[:2] == b"\xc3\x01"
    body: Any = fastavro.schemaless_reader(io.BytesIO(payload[10:]), schema.parsed, None)
    assert body["camera"] == "door"
    assert body["around"] == datetime(2026, 1, 1, tzinfo=UTC)


def test_fingerprint_is_the_one_of_the_avro_specification() -> None:
    # the specification's CRC-64-AVRO of the schema "null", little-endian
    assert fingerprint_of("null") == (0x63DD24E7CC258F8A).to_bytes(8, "little").hex()


@given(cut=st.integers(0, len(encode(command())) - 1))
def test_truncated_payload_is_a_contract_error(cut: int) -> None:
    with pytest.raises(ContractError):
        decode(encode(command())[:cut], Command)


@given(junk=st.binary(max_size=200))
def test_garbage_is_a_contract_error(junk: bytes) -> None:
    with pytest.raises(ContractError):
        decode(junk, EventChanged)


@given(junk=st.binary(max_size=400))
def test_garbage_behind_a_true_header_is_refused_or_is_a_record(junk: bytes) -> None:
    header = bytes.fromhex("c301" + shipped_schemas().latest("FrameAnalyzed").fingerprint)
    try:
        record = decode(header + junk, FrameAnalyzed)
    except ContractError:
        return
    assert isinstance(record, FrameAnalyzed)


def test_record_of_another_kind_is_named() -> None:
    with pytest.raises(ContractError, match="expected FrameCaptured, got Command"):
        decode(encode(command()), FrameCaptured)


def test_trailing_bytes_are_refused() -> None:
    with pytest.raises(ContractError, match="do not belong"):
        decode(encode(command()) + b"\x00", Command)


def test_unknown_fingerprint_is_told_apart_from_damage() -> None:
    with pytest.raises(UnknownSchemaError, match="0000000000000000"):
        decode(b"\xc3\x01" + bytes(8) + b"body", Command)


def test_number_beyond_its_range_cannot_be_written() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    huge = Command("c1", SiteId("s"), CameraId("d"), CommandKind.BURST, now, now, 2**40, 0, None, "events")

    with pytest.raises(ContractError, match="Command"):
        encode(huge)


def test_confluent_header_replaces_ours_and_leaves_the_body() -> None:
    payload = encode(command())

    swapped = to_confluent(payload, schema_id=7)

    assert swapped == b"\x00\x00\x00\x00\x07" + payload[10:]


def test_time_without_a_zone_is_refused() -> None:
    naive = datetime(2026, 1, 1)  # noqa: DTZ001  (that is what is tested)
    record = Command("c1", SiteId("s"), CameraId("d"), CommandKind.BURST, naive, naive, 0, 0, None, "events")

    with pytest.raises(ContractError, match="time zone"):
        encode(record)


def test_fingerprint_in_reads_what_encode_wrote() -> None:
    assert fingerprint_in(encode(command())) == shipped_schemas().latest("Command").fingerprint
