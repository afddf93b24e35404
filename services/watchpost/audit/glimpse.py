"""Reads of a record only what an audit needs: who it is, and when it happened."""

import struct
from collections.abc import Iterable
from contextlib import suppress
from typing import NamedTuple

from watchpost.contracts import (
    RecordSchema,
    Schemas,
    TopicName,
    decode,
    fingerprint_in,
    from_confluent,
    read_fields,
    shipped_schemas,
)
from watchpost.contracts.records import EventChanged
from watchpost.errors import ContractError

__all__ = ["Glimpse", "Glimpses", "known_schemas"]

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
        self._record, self._fields = _WANTED[topic]
        self._schemas = schemas
        # which schema a registry's number stands for: the registry alone knows, so it is found out by reading
        self._by_number: dict[int, RecordSchema] = {}

    def of(self, value: bytes) -> Glimpse:
        """What `value` says.

        Raises:
            ContractError: it is no record of this topic, or its schema is not known.
        """
        if value[:1] == b"\0":
            return self._of_confluent(value)
        return self._read(value, self._schemas.by_fingerprint(fingerprint_in(value)))

    def whole_event(self, value: bytes) -> EventChanged:
        """All of it. Raises ContractError as `of` does."""
        if value[:1] == b"\0":
            self._of_confluent(value)
            value = from_confluent(value, self._by_number[_number_in(value)])
        return decode(value, EventChanged, self._schemas)

    def _of_confluent(self, value: bytes) -> Glimpse:
        number = _number_in(value)
        known = self._by_number.get(number)
        candidates = [known] if known else [each for each in self._schemas if each.record == self._record]
        # the newest first: that is what most were written with
        for writer in sorted(candidates, key=lambda schema: -schema.version):
            try:
                found = self._read(from_confluent(value, writer), writer)
            except ContractError:
                continue
            self._by_number[number] = writer
            return found
        raise ContractError(f"no known schema of {self._record} fits what a registry numbers {number}")

    def _read(self, value: bytes, writer: RecordSchema) -> Glimpse:
        if writer.record != self._record:
            raise ContractError(f"expected {self._record}, got {writer.record}")
        *parts, at = read_fields(value, self._fields, writer)
        return Glimpse("/".join(map(str, parts)), int(at.timestamp() * 1000))


def known_schemas(published: Iterable[bytes]) -> Schemas:
    """The schemas of this distribution, and those that bridges brought to the centre."""
    schemas = Schemas(iter(shipped_schemas()))
    for text in published:
        with suppress(ContractError):  # a record that needs it is counted as unreadable
            schemas.learn(text.decode(errors="replace"))
    return schemas


def _number_in(value: bytes) -> int:
    if len(value) < _CONFLUENT.size:
        raise ContractError(f"expected a record, got {len(value)} bytes")
    return int(_CONFLUENT.unpack_from(value)[1])
