"""Brings each writer's schema to the centre with the first record that needs it, and learns those of others."""

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

import structlog

from watchpost.bridge.clusters import Cluster
from watchpost.bridge.reading_to_end import read_to_end
from watchpost.contracts import HEADER_BYTES, RecordSchema, Schemas, TopicName, decode, fingerprint_in, shipped_schemas
from watchpost.contracts.records import Record
from watchpost.errors import ContractError
from watchpost.stream import value_of

__all__ = ["WriterSchemas"]

_LOG = structlog.get_logger()

RecordT = TypeVar("RecordT", bound=Record)


class WriterSchemas:
    """The schemas that this bridge can read, and which of them the centre has."""

    def __init__(self, client: Mapping[str, Any], central: Cluster) -> None:
        self._client = client
        self._central = central
        self.known = Schemas(iter(shipped_schemas()))
        self._published: set[str] = set()

    def refresh(self) -> None:
        """Read what the centre has: a newer bridge may have brought a schema that this one does not know.

        Raises:
            RetryableError: the centre does not answer.
        """
        for message in read_to_end(self._client, self._central, TopicName.SCHEMAS):
            try:
                learnt = self.known.learn((value_of(message) or b"").decode(errors="replace"))
            except ContractError as error:
                _LOG.warning("schema at the centre cannot be read", offset=message.offset(), error=str(error))
            else:
                self._published.add(learnt.fingerprint)

    def read_as(self, value: bytes, record: type[RecordT]) -> RecordT:
        """The `record` in `value`.

        Raises:
            UnknownSchemaError: its writer's schema is not known here.
            ContractError: these bytes are no such record.
        """
        return decode(value, record, self.known)

    def of(self, value: bytes) -> RecordSchema:
        """The schema that `value` was written with. Raises UnknownSchemaError where it is not known here."""
        return self.known.by_fingerprint(fingerprint_in(value))

    def written_with(self, values: Iterable[bytes]) -> list[RecordSchema]:
        """The schemas of `values`, each once."""
        return [self.of(each) for each in dict.fromkeys([value[:HEADER_BYTES] for value in values])]

    def not_published(self, schemas: Iterable[RecordSchema]) -> list[RecordSchema]:
        """Those of `schemas` that the centre lacks."""
        return [schema for schema in schemas if schema.fingerprint not in self._published]

    def published(self, schemas: Iterable[RecordSchema]) -> None:
        """Say that the transaction which carried `schemas` is committed."""
        self._published |= {schema.fingerprint for schema in schemas}
