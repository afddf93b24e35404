"""A schema change passes against all released versions, or it does not pass at all."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from avro.compatibility import ReaderWriterCompatibilityChecker, SchemaCompatibilityType
from avro.schema import Schema
from avro.schema import parse as parse_avro

from watchpost.contracts import shipped_schemas, topics

RELEASES = Path(__file__).parents[2] / "schemas" / "releases.yaml"
MODES = {topic.record: topic.compatibility for topic in (*topics("site"), *topics("central")) if topic.record}


def can_read(reader: Schema, writer: Schema) -> bool:
    checker = ReaderWriterCompatibilityChecker()  # type: ignore[no-untyped-call]  # avro ships it untyped
    result = checker.get_compatibility(reader, writer)
    return bool(result.compatibility is SchemaCompatibilityType.compatible)


def breaks(mode: str, older: Schema, newer: Schema) -> str | None:
    """Why `newer` may not follow `older` under `mode`; None where it may."""
    if not can_read(newer, older):
        return "new readers cannot read what old writers wrote"
    if mode == "FULL_TRANSITIVE" and not can_read(older, newer):
        return "old readers cannot read what new writers write"
    return None


def versions_of(record: str) -> list[Schema]:
    found = sorted((schema for schema in shipped_schemas() if schema.record == record), key=lambda found: found.version)
    return [parse_avro(schema.text) for schema in found]


@pytest.mark.parametrize("record", sorted({schema.record for schema in shipped_schemas()}))
def test_every_version_follows_all_older_ones(record: str) -> None:
    versions = versions_of(record)

    for newer_index, newer in enumerate(versions):
        for older in versions[:newer_index]:
            assert breaks(MODES[record], older, newer) is None


def released() -> Iterator[tuple[str, str, str]]:
    for release, schemas in (yaml.safe_load(RELEASES.read_text()) or {}).items():
        for version, fingerprint in schemas.items():
            yield release, version, fingerprint


def test_released_schema_is_never_edited() -> None:
    shipped = {f"{schema.record}.v{schema.version}": schema.fingerprint for schema in shipped_schemas()}

    for release, version, fingerprint in released():
        assert shipped.get(version) == fingerprint, f"{version} was released with {release}: add a new version instead"


# the gate itself is tried on changes that people do make
BASE = json.loads(shipped_schemas().latest("EventChanged").text)


def changed(**field: Any) -> Schema:
    return parse_avro(json.dumps({**BASE, "fields": [*BASE["fields"], field]}))


def without(name: str) -> Schema:
    return parse_avro(json.dumps({**BASE, "fields": [field for field in BASE["fields"] if field["name"] != name]}))


def test_gate_lets_a_field_with_a_default_pass() -> None:
    newer = changed(name="note", type=["null", "string"], default=None)

    assert breaks("FULL_TRANSITIVE", parse_avro(json.dumps(BASE)), newer) is None


def test_gate_stops_a_new_field_without_a_default() -> None:
    assert breaks("BACKWARD", parse_avro(json.dumps(BASE)), changed(name="note", type="string")) is not None


def test_gate_stops_the_removal_of_a_field_that_old_readers_need() -> None:
    older = parse_avro(json.dumps(BASE))

    assert breaks("BACKWARD", older, without("confidence")) is None
    assert breaks("FULL_TRANSITIVE", older, without("confidence")) is not None


def test_gate_lets_a_new_phase_pass_because_old_readers_see_unknown() -> None:
    text = json.dumps(BASE).replace('"withdrawn",', '"withdrawn", "escalated",')

    assert breaks("FULL_TRANSITIVE", parse_avro(json.dumps(BASE)), parse_avro(text)) is None
