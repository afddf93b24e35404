"""The Avro schemas of `schemas/records/`, found by record class and by fingerprint."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from fastavro.schema import SchemaParseException, fingerprint, parse_schema, to_parsing_canonical_form
from fastavro.types import Schema

from watchpost.errors import ContractError, UnknownSchemaError

__all__ = ["RecordSchema", "Schemas", "fingerprint_of", "schemas_root", "shipped_schemas"]

_FILE_NAME = re.compile(r"(?P<record>[A-Za-z]+)\.v(?P<version>\d+)\.avsc")


def schemas_root() -> Traversable:
    """The `schemas` folder: inside the installed package, or at the root of a checkout."""
    packaged = files("watchpost") / "schemas"
    return packaged if packaged.is_dir() else Path(__file__).parents[3] / "schemas"


def fingerprint_of(schema: Schema) -> str:
    """The CRC-64-AVRO fingerprint as 16 hex digits, in the byte order of single-object encoding."""
    return fingerprint(to_parsing_canonical_form(schema), "CRC-64-AVRO")


@dataclass(frozen=True, slots=True)
class RecordSchema:
    """One version of one record's schema. `text` is the JSON as the file holds it."""

    record: str
    version: int
    text: str
    parsed: Schema
    fingerprint: str


class Schemas:
    """Every schema that this process can read: those it shipped with and those it was told of later."""

    def __init__(self, schemas: Iterator[RecordSchema]) -> None:
        self._by_fingerprint: dict[str, RecordSchema] = {}
        self._latest: dict[str, RecordSchema] = {}
        for schema in schemas:
            twin = self._by_fingerprint.get(schema.fingerprint)
            if twin is not None:
                raise ContractError(
                    f"{schema.record} v{schema.version} and {twin.record} v{twin.version} have one fingerprint; "
                    "a logical type or a default alone is no new version: rename a field or add one"
                )
            self._by_fingerprint[schema.fingerprint] = schema
            known = self._latest.get(schema.record)
            if known is None or known.version < schema.version:
                self._latest[schema.record] = schema

    def latest(self, record: str) -> RecordSchema:
        """The schema that `record` is written with."""
        return self._latest[record]

    def by_fingerprint(self, fingerprint: str) -> RecordSchema:
        """The writer's schema of a payload.

        Raises:
            UnknownSchemaError: no such schema is known (yet): hold the record.
        """
        try:
            return self._by_fingerprint[fingerprint]
        except KeyError:
            raise UnknownSchemaError(fingerprint) from None

    def learn(self, text: str) -> RecordSchema:
        """Add a writer's schema published by another process (`watchpost.schemas.v1`), so that it can be read.

        Raises:
            ContractError: it is no schema of a record.
        """
        try:
            schema = _record_schema(text, version=0)
        except (ValueError, KeyError, TypeError, SchemaParseException) as error:
            raise ContractError(f"expected an Avro schema of a record: {error!r}") from error
        return self._by_fingerprint.setdefault(schema.fingerprint, schema)

    def __iter__(self) -> Iterator[RecordSchema]:
        return iter(self._by_fingerprint.values())


@cache
def shipped_schemas() -> Schemas:
    """The schemas of this distribution."""
    return Schemas(_read_folder(schemas_root() / "records"))


def _read_folder(folder: Traversable) -> Iterator[RecordSchema]:
    for entry in sorted(folder.iterdir(), key=lambda file: file.name):
        match = _FILE_NAME.fullmatch(entry.name)
        if match is None:
            raise ContractError(f"schemas/records/{entry.name}: expected <Record>.v<N>.avsc")
        schema = _record_schema(entry.read_text("utf-8"), int(match["version"]))
        if schema.record != match["record"]:
            raise ContractError(f"schemas/records/{entry.name} defines {schema.record}; rename the one or the other")
        yield schema


def _record_schema(text: str, version: int) -> RecordSchema:
    raw: dict[str, Any] = json.loads(text)
    return RecordSchema(raw["name"], version, text, parse_schema(raw), fingerprint_of(raw))
