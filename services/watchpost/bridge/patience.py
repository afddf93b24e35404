"""Turns whatever a cluster answers into a reason to wait: a bridge must not die of what passes, or can be mended."""

from collections.abc import Iterator
from contextlib import contextmanager

from confluent_kafka import KafkaError, KafkaException

from watchpost.errors import RetryableError
from watchpost.stream.kafka_errors import to_watchpost_error

__all__ = ["patiently", "reason_to_wait"]


@contextmanager
def patiently(doing: str) -> Iterator[None]:
    """Raise RetryableError instead of KafkaException, for missing rights too: they are granted while the bridge waits.

    Args:
        doing: what was tried, to begin the message with.
    """
    try:
        yield
    except KafkaException as error:
        raise reason_to_wait(error, doing) from error


def reason_to_wait(error: KafkaException | KafkaError, doing: str) -> RetryableError:
    """The error that says what is waited for, with the remedy where one is known."""
    return RetryableError(str(to_watchpost_error(error, doing)))
