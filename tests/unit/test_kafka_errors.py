"""librdkafka's errors are told apart by what the caller can do about them."""

import pytest
from confluent_kafka import KafkaError, KafkaException

from watchpost.errors import FencedError, RetryableError, WatchpostError
from watchpost.stream.kafka_errors import kafka_errors_mapped, to_watchpost_error


@pytest.mark.parametrize("code", [KafkaError._FENCED, KafkaError.PRODUCER_FENCED, KafkaError.INVALID_PRODUCER_EPOCH])
def test_a_takeover_is_fencing(code: int) -> None:
    assert isinstance(to_watchpost_error(KafkaError(code), "committing"), FencedError)


@pytest.mark.parametrize("code", [KafkaError._TRANSPORT, KafkaError._TIMED_OUT, KafkaError.COORDINATOR_NOT_AVAILABLE])
def test_a_broker_that_is_away_is_worth_another_try(code: int) -> None:
    assert isinstance(to_watchpost_error(KafkaError(code), "reading"), RetryableError)


def test_what_the_transactional_api_calls_retriable_is_worth_another_try() -> None:
    error = KafkaError(KafkaError._STATE, "busy", False, True, False)

    assert isinstance(to_watchpost_error(error, "beginning"), RetryableError)


def test_an_aborted_transaction_is_worth_another_try() -> None:
    error = KafkaError(KafkaError._STATE, "abort", False, False, True)

    assert isinstance(to_watchpost_error(error, "committing"), RetryableError)


@pytest.mark.parametrize("code", [KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError._AUTHENTICATION])
def test_what_only_a_person_can_mend_is_neither_and_says_how(code: int) -> None:
    mapped = to_watchpost_error(KafkaError(code), "writing watchpost.events.v1")

    assert type(mapped) is WatchpostError
    assert str(mapped).startswith("writing watchpost.events.v1: ")
    assert "; " in str(mapped)


def test_an_exception_of_librdkafka_leaves_as_one_of_ours_with_its_cause() -> None:
    cause = KafkaException(KafkaError(KafkaError._TRANSPORT))

    with (
        pytest.raises(RetryableError, match=r"listing topics: .*; is the broker running") as caught,
        kafka_errors_mapped("listing topics"),
    ):
        raise cause

    assert caught.value.__cause__ is cause
