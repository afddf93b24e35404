"""Each typed record is its schema, field by field, and no schema file is an orphan."""

import dataclasses
import json
import types
import typing
from datetime import datetime
from enum import StrEnum
from typing import Any

import pytest

from watchpost.contracts import records, schemas_root, shipped_schemas
from watchpost.contracts.records import Record

RECORDS: tuple[type[Record], ...] = typing.get_args(Record)
PLAIN: dict[Any, set[str]] = {
    str: {"string"},
    int: {"int", "long"},
    float: {"double"},
    bytes: {"bytes"},
    bool: {"boolean"},
}


class Comparison:
    """Walks a type and a schema together; `named` holds the schema's own definitions met so far."""

    def __init__(self) -> None:
        self.named: dict[str, Any] = {}

    def check(self, kind: Any, schema: Any, where: str) -> None:
        schema = self.named.get(schema, schema) if isinstance(schema, str) else schema
        kind = getattr(kind, "__supertype__", kind)  # a NewType
        if isinstance(kind, types.UnionType):
            assert isinstance(schema, list), where
            assert schema[0] == "null", where
            (inner,) = (arm for arm in typing.get_args(kind) if arm is not types.NoneType)
            self.check(inner, schema[1], where)
        elif kind is datetime:
            assert schema == {"type": "long", "logicalType": "timestamp-micros"}, where
        elif kind in PLAIN:
            assert schema in PLAIN[kind], where
        elif typing.get_origin(kind) is tuple:
            assert schema["type"] == "array", where
            self.check(typing.get_args(kind)[0], schema["items"], f"{where}[]")
        elif issubclass(kind, StrEnum):
            assert (schema["type"], schema["name"]) == ("enum", kind.__name__), where
            self.named[schema["name"]] = schema
            assert schema["symbols"] == [member.value for member in kind], where
        else:
            self.check_record(kind, schema, where)

    def check_record(self, kind: Any, schema: dict[str, Any], where: str) -> None:
        assert (schema["type"], schema["name"]) == ("record", kind.__name__), where
        self.named[schema["name"]] = schema
        hints = typing.get_type_hints(kind)
        assert [field["name"] for field in schema["fields"]] == [field.name for field in dataclasses.fields(kind)], (
            where
        )
        for field in schema["fields"]:
            self.check(hints[field["name"]], field["type"], f"{where}.{field['name']}")


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.__name__)
def test_record_class_matches_its_newest_schema_field_by_field(record: type[Record]) -> None:
    schema = json.loads(shipped_schemas().latest(record.__name__).text)

    Comparison().check_record(record, schema, record.__name__)


def test_every_schema_file_belongs_to_a_record_class() -> None:
    names = {schema.record for schema in shipped_schemas()}

    assert names == {record.__name__ for record in RECORDS}


def test_versions_of_a_record_are_numbered_without_a_gap() -> None:
    for record in RECORDS:
        versions = sorted(schema.version for schema in shipped_schemas() if schema.record == record.__name__)
        assert versions == list(range(1, len(versions) + 1)), record.__name__


def test_every_public_record_name_is_exported() -> None:
    public = {
        name
        for name, value in vars(records).items()
        if not name.startswith("_") and getattr(value, "__module__", None) == records.__name__
    }

    assert public | {"Record"} == set(records.__all__)


def test_schemas_travel_with_the_package() -> None:
    assert (schemas_root() / "records" / "EventChanged.v1.avsc").is_file()
