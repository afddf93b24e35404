"""The parts of a Kafka message as bytes: the client's own types allow several shapes where only one occurs."""

from collections.abc import Iterable
from typing import cast

from confluent_kafka import Message

__all__ = ["Header", "headers_of", "key_of", "value_of"]

Header = tuple[str, bytes]


def headers_of(message: Message) -> list[Header]:
    """Every header, in order, a missing value as empty bytes."""
    pairs = cast("Iterable[tuple[str, bytes | None]]", message.headers() or [])
    return [(name, value or b"") for name, value in pairs]


def key_of(message: Message) -> bytes | None:
    """The key, or None."""
    return message.key()


def value_of(message: Message) -> bytes | None:
    """The value; None is a tombstone."""
    return message.value()
