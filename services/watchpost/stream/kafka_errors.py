"""The one place where librdkafka's errors become Watchpost's."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from confluent_kafka import KafkaError, KafkaException

from watchpost.errors import FencedError, RetryableError, WatchpostError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["kafka_errors_mapped", "passes_by_itself", "to_watchpost_error"]


@contextmanager
def kafka_errors_mapped(doing: str) -> Iterator[None]:
    """Raise Watchpost's errors instead of KafkaException, and of a future that does not complete.

    Args:
        doing: what was tried, to begin the message with: `creating watchpost.events.v1`.

    Raises:
        FencedError: another instance took over.
        RetryableError: the same call may work later.
        WatchpostError: it will not.

    """
    try:
        yield
    except KafkaException as error:
        raise to_watchpost_error(error, doing) from error
    except TimeoutError as error:
        raise RetryableError(f"{doing}: no answer in time") from error


def passes_by_itself(error: KafkaError) -> bool:
    """Whether an error that a consumer hands out as a message means nothing: the client goes on by itself."""
    return error.code() in _PASSING


def to_watchpost_error(error: KafkaException | KafkaError, doing: str) -> WatchpostError:
    """The error of Watchpost's tree that says the same, with a remedy where one is known."""
    cause = error.args[0] if isinstance(error, KafkaException) else error
    if not isinstance(cause, KafkaError):
        return WatchpostError(f"{doing}: {cause}")
    code = cause.code()
    remedy = _REMEDIES.get(code)
    message = f"{doing}: {cause.str()}" if remedy is None else f"{doing}: {cause.str()}; {remedy}"
    if code in _FENCED:
        return FencedError(message)
    if cause.retriable() or cause.txn_requires_abort() or code in _RETRYABLE:
        return RetryableError(message)
    return WatchpostError(message)


_PASSING = frozenset(
    {
        KafkaError._PARTITION_EOF,  # noqa: SLF001 - the public name of a local error code; and so below
        KafkaError._TRANSPORT,  # noqa: SLF001
        KafkaError._ALL_BROKERS_DOWN,  # noqa: SLF001
        KafkaError._TIMED_OUT,  # noqa: SLF001
        KafkaError._RESOLVE,  # noqa: SLF001
        # the client asks for a group's coordinator, though assign() needs none: no right for a group is wanted
        KafkaError.GROUP_AUTHORIZATION_FAILED,
        KafkaError.LEADER_NOT_AVAILABLE,
        KafkaError.NOT_LEADER_FOR_PARTITION,
    }
)
_FENCED = frozenset(
    {
        KafkaError._FENCED,  # noqa: SLF001 - the public name of a local error code
        KafkaError.PRODUCER_FENCED,
        KafkaError.INVALID_PRODUCER_EPOCH,
        KafkaError.FENCED_INSTANCE_ID,
        KafkaError.TRANSACTION_COORDINATOR_FENCED,
    }
)

# librdkafka says retriable() in its transactional calls only
_RETRYABLE = frozenset(
    {
        KafkaError._ALL_BROKERS_DOWN,  # noqa: SLF001 - as above, and so below
        KafkaError._ASSIGNMENT_LOST,  # noqa: SLF001
        KafkaError._DESTROY_BROKER,  # noqa: SLF001
        KafkaError._FAIL,  # noqa: SLF001
        KafkaError._IN_PROGRESS,  # noqa: SLF001
        KafkaError._MAX_POLL_EXCEEDED,  # noqa: SLF001
        KafkaError._MSG_TIMED_OUT,  # noqa: SLF001
        KafkaError._PREV_IN_PROGRESS,  # noqa: SLF001
        KafkaError._QUEUE_FULL,  # noqa: SLF001
        KafkaError._RESOLVE,  # noqa: SLF001
        KafkaError._RETRY,  # noqa: SLF001
        KafkaError._TIMED_OUT,  # noqa: SLF001
        KafkaError._TIMED_OUT_QUEUE,  # noqa: SLF001
        KafkaError._TRANSPORT,  # noqa: SLF001
        KafkaError._UNKNOWN_TOPIC,  # noqa: SLF001
        KafkaError._WAIT_CACHE,  # noqa: SLF001
        KafkaError._WAIT_COORD,  # noqa: SLF001
        KafkaError.BROKER_NOT_AVAILABLE,
        KafkaError.CONCURRENT_TRANSACTIONS,
        KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
        KafkaError.COORDINATOR_NOT_AVAILABLE,
        KafkaError.FENCED_LEADER_EPOCH,
        KafkaError.ILLEGAL_GENERATION,
        KafkaError.KAFKA_STORAGE_ERROR,
        KafkaError.LEADER_NOT_AVAILABLE,
        KafkaError.NETWORK_EXCEPTION,
        KafkaError.NOT_CONTROLLER,
        KafkaError.NOT_COORDINATOR,
        KafkaError.NOT_ENOUGH_REPLICAS,
        KafkaError.NOT_ENOUGH_REPLICAS_AFTER_APPEND,
        KafkaError.NOT_LEADER_FOR_PARTITION,
        KafkaError.OFFSET_NOT_AVAILABLE,
        KafkaError.REBALANCE_IN_PROGRESS,
        KafkaError.REPLICA_NOT_AVAILABLE,
        KafkaError.REQUEST_TIMED_OUT,
        KafkaError.THROTTLING_QUOTA_EXCEEDED,
        KafkaError.UNKNOWN_LEADER_EPOCH,
        KafkaError.UNKNOWN_MEMBER_ID,
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError.UNSTABLE_OFFSET_COMMIT,
    }
)

_ASK_FOR_RIGHTS = "ask who runs the cluster for the rights that docs/security.md lists"
_REMEDIES = {
    KafkaError._ALL_BROKERS_DOWN: "is the broker running, and its address right?",  # noqa: SLF001
    KafkaError._RESOLVE: "check the broker's host name",  # noqa: SLF001
    KafkaError._SSL: "check the certificates: are they over, who signed them (ca_file), which name are they for?",  # noqa: SLF001
    KafkaError._TRANSPORT: "is the broker running, and its address right?",  # noqa: SLF001
    KafkaError._AUTHENTICATION: "check user name and password",  # noqa: SLF001
    KafkaError._UNKNOWN_TOPIC: "`watchpost topics apply` creates it",  # noqa: SLF001
    KafkaError.SASL_AUTHENTICATION_FAILED: "check user name and password",
    KafkaError.UNKNOWN_TOPIC_OR_PART: "`watchpost topics apply` creates it",
    KafkaError.TOPIC_AUTHORIZATION_FAILED: _ASK_FOR_RIGHTS,
    KafkaError.GROUP_AUTHORIZATION_FAILED: _ASK_FOR_RIGHTS,
    KafkaError.CLUSTER_AUTHORIZATION_FAILED: _ASK_FOR_RIGHTS,
    KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED: _ASK_FOR_RIGHTS,
}
