"""No caller has more calls than its share, and no number of callers more memory."""

from hypothesis import given
from hypothesis import strategies as st

from watchpost.api import limits
from watchpost.api.limits import CallLimiter


class Seconds:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@given(
    per_minute=st.integers(1, 600),
    pauses_s=st.lists(st.floats(0, 30, allow_nan=False), min_size=1, max_size=50),
)
def test_caller_never_gets_more_than_its_rate_and_what_it_saved(per_minute: int, pauses_s: list[float]) -> None:
    seconds = Seconds()
    limiter = CallLimiter(per_minute, seconds)

    allowed = 0
    for pause_s in pauses_s:
        seconds.now_s += pause_s
        allowed += limiter.take("till") is None

    assert allowed <= max(1, per_minute / 2) + seconds.now_s * per_minute / 60 + 1e-6


@given(per_minute=st.integers(1, 600), early=st.integers(0, 700))
def test_who_waits_as_told_is_let_through(per_minute: int, early: int) -> None:
    seconds = Seconds()
    limiter = CallLimiter(per_minute, seconds)
    waits = [limiter.take("till") for _ in range(early + 1)]

    if waits[-1] is not None:
        seconds.now_s += waits[-1] + 1e-6
        assert limiter.take("till") is None


def test_callers_do_not_take_from_each_other() -> None:
    limiter = CallLimiter(2, Seconds())

    assert [limiter.take("one"), limiter.take("other")] == [None, None]
    assert limiter.take("one") is not None


def test_very_many_callers_need_no_more_memory() -> None:
    limiter = CallLimiter(60, Seconds())

    for number in range(limits._MOST_CALLERS + 100):
        limiter.take(str(number))

    assert len(limiter._buckets) == limits._MOST_CALLERS
