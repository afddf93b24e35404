"""When a server is no longer asked, and when it is again."""

import pytest

from watchpost.inference.remote.breaker import Admission, CircuitBreaker
from watchpost.inference.remote.failures import Failure

AWAY = Failure("remote.url", "away", "start it")


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> CircuitBreaker:
    return CircuitBreaker(clock)


def test_two_failures_and_a_success_stop_nothing(breaker: CircuitBreaker) -> None:
    for _ in range(5):
        breaker.failed(AWAY)
        breaker.failed(AWAY)
        assert breaker.admit() is Admission.ALL
        breaker.passed()


def test_three_failures_in_a_row_stop_all_until_one_request_may_look(breaker: CircuitBreaker, clock: Clock) -> None:
    for _ in range(3):
        breaker.failed(AWAY)

    assert (breaker.admit(), breaker.reason) == (Admission.NOTHING, AWAY)
    clock.now_s += 1.3
    assert [breaker.admit(), breaker.admit()] == [Admission.ONE, Admission.NOTHING]


def test_request_that_looks_and_succeeds_lets_all_through(breaker: CircuitBreaker, clock: Clock) -> None:
    for _ in range(3):
        breaker.failed(AWAY)
    clock.now_s += 1.3
    breaker.admit()

    breaker.passed()

    assert (breaker.admit(), breaker.reason) == (Admission.ALL, None)


def test_waits_double_up_to_half_a_minute(breaker: CircuitBreaker, clock: Clock) -> None:
    waits_s = []
    for _ in range(3):
        breaker.failed(AWAY)
    for _ in range(8):
        begun_s = clock.now_s
        while breaker.admit() is not Admission.ONE:
            clock.now_s += 0.1
        waits_s.append(clock.now_s - begun_s)
        breaker.failed(AWAY)

    assert waits_s[0] <= 0.7
    assert all(24 <= wait_s <= 36.2 for wait_s in waits_s[6:])


def test_failure_that_lasts_stops_all_at_once_and_is_looked_at_seldom(breaker: CircuitBreaker, clock: Clock) -> None:
    breaker.failed(Failure("remote.api_key", "wrong", "mend it", is_lasting=True))

    clock.now_s += 20
    assert breaker.admit() is Admission.NOTHING
    clock.now_s += 20
    assert breaker.admit() is Admission.ONE


def test_server_that_says_when_to_come_again_is_not_asked_before(breaker: CircuitBreaker, clock: Clock) -> None:
    breaker.failed(Failure("remote.url", "loading", "wait", retry_after_s=50))

    clock.now_s += 49
    assert breaker.admit() is Admission.NOTHING
    clock.now_s += 2
    assert breaker.admit() is Admission.ONE


def test_server_that_asks_for_a_year_is_asked_after_five_minutes(breaker: CircuitBreaker, clock: Clock) -> None:
    breaker.failed(Failure("remote.url", "loading", "wait", retry_after_s=3e7))

    clock.now_s += 301
    assert breaker.admit() is Admission.ONE
