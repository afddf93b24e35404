"""Records to bytes and back: Avro single-object encoding on a site, the Confluent wire format where a registry asks.

payload = encode(event)                     # C3 01, fingerprint, body
event = decode(payload, EventChanged)       # whatever released version wrote it
confluent = to_confluent(payload, schema_id=7)   # same body, another header
"""

import io
import json
import struct
from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypeVar, cast

import cattrs
from fastavro import parse_schema, schemaless_reader, schemaless_writer
from fastavro.types import Schema
from fastavro.validation import ValidationError, validate

from watchpost.contracts.records import Record
from watchpost.contracts.schemas import RecordSchema, Schemas, shipped_schemas
from watchpost.errors import ContractError

__all__ = [
    "HEADER_BYTES",
    "RecordHead",
    "decode",
    "encode",
    "fingerprint_in",
    "from_confluent",
    "read_fields",
    "to_confluent",
    "to_plain",
]

_SINGLE_OBJECT_MAGIC = b"\xc3\x01"
HEADER_BYTES = 10
"""Of single-object encoding: they are the same in all that one writer wrote."""
_CONFLUENT_MAGIC, _CONFLUENT_BYTES = 0, 5

RecordT = TypeVar("RecordT", bound=Record)


def _converter() -> cattrs.Converter:
    converter = cattrs.Converter(detailed_validation=False)
    # Avro carries both natively: cattrs must hand them on as they are
    for native in (datetime, bytes):
        converter.register_structure_hook(native, lambda value, _: value)
    converter.register_unstructure_hook(bytes, lambda value: value)
    converter.register_unstructure_hook(datetime, _aware)
    return converter


def _aware(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ContractError(f"{moment} names no time zone; records carry UTC")
    return moment


_CONVERTER = _converter()


def to_plain(record: Record) -> dict[str, Any]:
    """The record as nested dicts, lists and plain values, named as in its schema."""
    return cast("dict[str, Any]", _CONVERTER.unstructure(record))


def encode(record: Record) -> bytes:
    """The record in Avro single-object encoding, written with the newest version of its schema.

    Raises:
        ContractError: a value that its schema does not allow, such as a number beyond its range.
    """
    schema = shipped_schemas().latest(type(record).__name__)
    buffer = io.BytesIO()
    buffer.write(_SINGLE_OBJECT_MAGIC + bytes.fromhex(schema.fingerprint))
    plain = to_plain(record)
    try:
        # the writer alone would put a 40-bit number where readers expect 32 bits
        validate(plain, schema.parsed, strict=True)
        schemaless_writer(buffer, schema.parsed, plain)
    except (ValidationError, ValueError, TypeError, OverflowError) as error:
        raise ContractError(f"{schema.record} cannot be written: {error}") from error
    return buffer.getvalue()


def fingerprint_in(payload: bytes) -> str:
    """The fingerprint of the schema that `payload` was written with.

    Raises:
        ContractError: these bytes are not in single-object encoding.
    """
    if len(payload) < HEADER_BYTES or not payload.startswith(_SINGLE_OBJECT_MAGIC):
        raise ContractError(
            f"expected Avro single-object encoding (first bytes c301 and a fingerprint), got {payload[:4].hex()!r}"
        )
    return payload[2:HEADER_BYTES].hex()


def decode(payload: bytes, record_type: type[RecordT], schemas: Schemas | None = None) -> RecordT:
    """The record in `payload`, whichever known version of its schema wrote it.

    Raises:
        UnknownSchemaError: the writer's schema is not known; hold the payload.
        ContractError: the bytes are damaged or hold another record.
    """
    known = schemas or shipped_schemas()
    writer = known.by_fingerprint(fingerprint_in(payload))
    if writer.record != record_type.__name__:
        raise ContractError(f"expected {record_type.__name__}, got {writer.record}")
    reader = shipped_schemas().latest(writer.record)
    body = _body(payload)
    try:
        plain = schemaless_reader(body, writer.parsed, reader.parsed)
        record = _CONVERTER.structure(plain, record_type)
    except Exception as error:  # damaged bytes make fastavro and cattrs raise almost anything
        raise ContractError(f"{writer.record} v{writer.version} cannot be read: {error!r}") from error
    _require_end(body, writer)
    return record


def read_fields(payload: bytes, names: Sequence[str], writer: RecordSchema) -> tuple[Any, ...]:
    """The values of `names` in a payload that `writer` describes: for who wants little of very many records.

    It takes two thirds of the time of `decode`, which resolves two schemas and makes objects.

    Raises:
        ContractError: the bytes are damaged, or the schema lacks a name.
    """
    body = _body(payload)
    found = _fields(body, names, writer, writer.parsed)
    _require_end(body, writer)
    return found


class RecordHead:
    """The first fields of what one writer wrote, for who reads them of very many records.

    Nothing that lies behind the last of them is looked at: it may be damaged, or be long.

    head = RecordHead(writer, ("camera", "event_id"))
    camera, event_id = head.read(payload)
    """

    def __init__(self, writer: RecordSchema, names: Sequence[str]) -> None:
        self._writer, self._names = writer, names
        raw = json.loads(writer.text)
        last = max([number for number, each in enumerate(raw["fields"]) if each["name"] in names], default=-1)
        # Avro writes fields one after the other: a schema that is cut short reads the first bytes
        self._schema = parse_schema({**raw, "fields": raw["fields"][: last + 1]})

    def read(self, payload: bytes) -> tuple[Any, ...]:
        """The values in the order of their names.

        Raises:
            ContractError: the bytes are damaged before the last of them, or the schema lacks a name.
        """
        return _fields(_body(payload), self._names, self._writer, self._schema)


def _body(payload: bytes) -> io.BytesIO:
    body = io.BytesIO(payload)
    body.seek(HEADER_BYTES)
    return body


def _fields(body: io.BytesIO, names: Sequence[str], writer: RecordSchema, schema: Schema) -> tuple[Any, ...]:
    try:
        plain = cast("dict[str, Any]", schemaless_reader(body, schema, None))
        return tuple([plain[name] for name in names])
    except Exception as error:  # damaged bytes make fastavro raise almost anything
        raise ContractError(f"{writer.record} v{writer.version} cannot be read: {error!r}") from error


def _require_end(body: io.BytesIO, writer: RecordSchema) -> None:
    if body.read(1):
        raise ContractError(f"{writer.record} v{writer.version} is followed by bytes that do not belong to it")


def to_confluent(payload: bytes, schema_id: int) -> bytes:
    """The same body under Confluent's header (magic 0, four bytes of schema id)."""
    fingerprint_in(payload)
    return struct.pack(">bI", _CONFLUENT_MAGIC, schema_id) + payload[HEADER_BYTES:]


def from_confluent(payload: bytes, writer: RecordSchema) -> bytes:
    """The same body under the header of single-object encoding; the schema id alone does not tell the writer."""
    return _SINGLE_OBJECT_MAGIC + bytes.fromhex(writer.fingerprint) + payload[_CONFLUENT_BYTES:]
