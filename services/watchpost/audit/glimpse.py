"""Reads of a record only what an audit needs: who it is, and when it happened."""

import io
import json
import struct
from collections.abc import Iterable
from typing import Any, NamedTuple, cast

from fastavro import parse_schema, schemaless_reader
from fastavro.schema import SchemaParseException
from fastavro.types import Schema

from watchpost.contracts import RecordSchema, Schemas, TopicName, decode, fingerprint_in, shipped_schemas
from watchpost.contracts.records import EventChanged
from watchpost.errors import ContractError

__all__ = ["Glimpse", "Glimpses", "known_schemas"]

_SINGLE_OBJECT_BYTES = 10
_CONFLUENT = struct.Struct(">bI")
_WANTED = {
    TopicName.EVENTS: ("EventChanged", ("event_id", "revision", "at")),
    TopicName.THUMBNAILS: ("ThumbnailTaken", ("thumbnail_id", "taken_at")),
}


class Glimpse(NamedTuple):
    """What was read of a record."""

    identity: str
    at_ms: int


class Glimpses:
    """Reads values of one topic, in Watchpost's framing or Confluent's.

    Args:
        topic: events or thumbnails.
        schemas: those that writers may have used.
    """

    def __init__(self, topic: TopicName, schemas: Schemas) -> None:
        self._record, fields = _WANTED[topic]
        self._schemas = schemas
        self._reader = _only(shipped_schemas().latest(self._record), fields)
        self._names, self._at = fields[:-1], fields[-1]
        # which schema a registry's number stands for: the registry alone knows, so it is found out by reading
        self._by_number: dict[int, RecordSchema] = {}

    def of(self, value: bytes) -> Glimpse:
        """What `value` says.

        Raises:
            ContractError: it is no record of this topic, or its schema is not known.
        """
        if value[:1] == b"\0":
            return self._of_confluent(value)
        return self._read(value, _SINGLE_OBJECT_BYTES, self._schemas.by_fingerprint(fingerprint_in(value)))

    def whole_event(self, value: bytes) -> EventChanged:
        """All of it. Raises ContractError as `of` does."""
        if value[:1] == b"\0":
            self._of_confluent(value)
            writer = self._by_number[_number_in(value)]
            value = b"\xc3\x01" + bytes.fromhex(writer.fingerprint) + value[_CONFLUENT.size :]
        return decode(value, EventChanged, self._schemas)

    def _of_confluent(self, value: bytes) -> Glimpse:
        number = _number_in(value)
        known = self._by_number.get(number)
        candidates = [known] if known else [each for each in self._schemas if each.record == self._record]
        # the newest first: that is what most were written with
        for writer in sorted(candidates, key=lambda schema: -schema.version):
            try:
                found = self._read(value, _CONFLUENT.size, writer)
            except ContractError:
                continue
            self._by_number[number] = writer
            return found
        raise ContractError(f"no known schema of {self._record} fits what a registry numbers {number}")

    def _read(self, value: bytes, header_bytes: int, writer: RecordSchema) -> Glimpse:
        if writer.record != self._record:
            raise ContractError(f"expected {self._record}, got {writer.record}")
        body = io.BytesIO(value)
        body.seek(header_bytes)
        try:
            plain = cast("dict[str, Any]", schemaless_reader(body, writer.parsed, self._reader))
        except Exception as error:  # damaged bytes make fastavro raise almost anything
            raise ContractError(f"{writer.record} v{writer.version} cannot be read: {error!r}") from error
        if body.tell() != len(value):
            raise ContractError(f"{writer.record} v{writer.version} is followed by bytes that do not belong to it")
        return Glimpse("/".join(str(plain[name]) for name in self._names), int(plain[self._at].timestamp() * 1000))


def known_schemas(published: Iterable[bytes]) -> Schemas:
    """The schemas of this distribution, and those that bridges brought to the centre."""
    schemas = Schemas(iter(shipped_schemas()))
    for text in published:
        try:
            schemas.learn(text.decode())
        except (ValueError, KeyError, TypeError, SchemaParseException, json.JSONDecodeError):
            continue  # a record that needs it is counted as unreadable
    return schemas


def _number_in(value: bytes) -> int:
    if len(value) < _CONFLUENT.size:
        raise ContractError(f"expected a record, got {len(value)} bytes")
    return int(_CONFLUENT.unpack_from(value)[1])


def _only(schema: RecordSchema, fields: Iterable[str]) -> Schema:
    """`schema` as a reader sees it that wants `fields` alone: the others are skipped, not made."""
    raw = json.loads(schema.text)
    return parse_schema({**raw, "fields": [field for field in raw["fields"] if field["name"] in set(fields)]})
