"""Every version of every record has valid and invalid examples, each of them is tried, and none is an orphan."""

import io
import json
import typing
from pathlib import Path
from typing import Any

import fastavro
import pytest

from watchpost.contracts import RecordSchema, decode, encode, shipped_schemas
from watchpost.contracts.records import Record

EXAMPLES = Path(__file__).parents[2] / "schemas" / "examples"
CLASSES = {record.__name__: record for record in typing.get_args(Record)}
SCHEMAS = {f"{schema.record}.v{schema.version}": schema for schema in shipped_schemas()}
VALID = sorted(EXAMPLES.glob("*/valid/*.json"))
INVALID = sorted(EXAMPLES.glob("*/invalid/*.json"))


def label(path: Path) -> str:
    return f"{path.parts[-3]}/{path.stem}"


def single_object(schema: RecordSchema, avro_json: Any) -> bytes:
    """The payload that a writer of this very version produces; raises whatever fastavro raises for a bad value."""
    (plain,) = fastavro.json_reader(io.StringIO(json.dumps(avro_json)), schema.parsed)
    body = io.BytesIO()
    fastavro.validate(plain, schema.parsed)
    fastavro.schemaless_writer(body, schema.parsed, plain)
    return b"\xc3\x01" + bytes.fromhex(schema.fingerprint) + body.getvalue()


def test_every_version_has_valid_and_invalid_examples_and_no_example_is_an_orphan() -> None:
    for files in (VALID, INVALID):
        assert {path.parts[-3] for path in files} == set(SCHEMAS)
    assert set(EXAMPLES.rglob("*.json")) == {*VALID, *INVALID}


@pytest.mark.parametrize("path", VALID, ids=label)
def test_valid_example_is_read_as_a_typed_record(path: Path) -> None:
    schema = SCHEMAS[path.parts[-3]]

    record = decode(single_object(schema, json.loads(path.read_text())), CLASSES[schema.record])

    assert decode(encode(record), CLASSES[schema.record]) == record


@pytest.mark.parametrize("path", INVALID, ids=label)
def test_invalid_example_is_refused(path: Path) -> None:
    example = json.loads(path.read_text())
    assert example["why"]

    # fastavro has no common error for a value that does not fit: what counts is that it does not pass
    with pytest.raises(Exception):  # noqa: B017, PT011
        single_object(SCHEMAS[path.parts[-3]], example["payload"])
