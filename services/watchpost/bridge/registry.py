"""Asks a schema registry for the numbers by which Confluent's clients know schemas."""

import threading
from http import HTTPStatus

import httpx

from watchpost.contracts import RecordSchema
from watchpost.errors import RetryableError
from watchpost.settings import SchemaRegistrySettings

__all__ = ["SchemaRegistry"]

# also the longest that a call keeps a stopping bridge from its end
_TIMEOUT_S = 3.0
_ACCEPT = "application/vnd.schemaregistry.v1+json"


class SchemaRegistry:
    """A registry with Confluent's REST interface (Confluent's own, Apicurio under `/apis/ccompat/v7`, Redpanda's …).

    Safe for several threads. What it said once is kept: a schema's number never changes.
    """

    def __init__(self, settings: SchemaRegistrySettings) -> None:
        self._url = settings.url.rstrip("/")
        self._client = httpx.Client(auth=settings.credentials(), timeout=_TIMEOUT_S, headers={"Accept": _ACCEPT})
        self._auto_register = settings.auto_register
        self._numbers: dict[tuple[str, str], int] = {}
        self._lock = threading.Lock()

    def number_of(self, topic: str, schema: RecordSchema) -> int:
        """The number of `schema` for the values of `topic`.

        Where the registry does not know it yet, it is registered, unless that is for others to do.

        Raises:
            RetryableError: the registry does not answer, refuses, or waits for somebody to register the schema.
        """
        with self._lock:
            known = self._numbers.get((topic, schema.fingerprint))
            if known is None:
                ask = self._register if self._auto_register else self._look_up
                known = self._numbers[topic, schema.fingerprint] = ask(f"{topic}-value", schema)
            return known

    def _register(self, subject: str, schema: RecordSchema) -> int:
        doing = f"registering {schema.record} as {subject} at {self._url}"
        answer = self._post(f"/subjects/{subject}/versions", schema, doing)
        if answer.status_code == HTTPStatus.CONFLICT:
            raise RetryableError(f"{doing}: it says that this schema is incompatible with the subject's: {answer.text}")
        return _number_in(answer, doing)

    def _look_up(self, subject: str, schema: RecordSchema) -> int:
        doing = f"looking {schema.record} up as {subject} at {self._url}"
        # normalize: somebody may have registered it with other blanks, or its fields' attributes in another order
        answer = self._post(f"/subjects/{subject}?normalize=true", schema, doing)
        if answer.status_code == HTTPStatus.NOT_FOUND:
            raise RetryableError(
                f"{doing}: it is not there, and central.schema_registry.auto_register is false; register "
                f"schemas/records/{schema.record}.v{schema.version}.avsc under that subject, or set auto_register: true"
            )
        return _number_in(answer, doing)

    def _post(self, path: str, schema: RecordSchema, doing: str) -> httpx.Response:
        try:
            return self._client.post(f"{self._url}{path}", json={"schema": schema.text, "schemaType": "AVRO"})
        except httpx.HTTPError as error:
            raise RetryableError(f"{doing}: {error!r}; is central.schema_registry.url right?") from error


def _number_in(answer: httpx.Response, doing: str) -> int:
    if not answer.is_success:
        raise RetryableError(f"{doing}: {answer.status_code} {answer.text[:200]}")
    try:
        return int(answer.json()["id"])
    except (ValueError, KeyError, TypeError) as error:
        raise RetryableError(f"{doing}: no id in its answer {answer.text[:200]!r}") from error
