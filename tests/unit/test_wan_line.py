"""The model of a thin line, and the meter beside it, as pure arithmetic."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchpost.errors import ConfigError
from watchpost.simulation.wan import Meter, Shape, StallRule
from watchpost.simulation.wan.line import Line, Passage


def sent(line: Line, sizes: list[int], every_s: float = 0.0) -> list[Passage]:
    return [line.send(size_bytes, 100 + number * every_s) for number, size_bytes in enumerate(sizes)]


def test_plain_line_takes_no_time() -> None:
    assert sent(Line(None, Shape(), 0), [1, 10**9]) == [Passage(100, 100)] * 2


def test_rate_makes_chunks_follow_one_another() -> None:
    first, second = sent(Line(80, Shape(), 0), [10_000, 5_000])

    assert (first, second) == (Passage(101, 101), Passage(101.5, 101.5))


def test_delay_is_added_to_each_chunk_but_holds_none_up() -> None:
    first, second = sent(Line(80, Shape(delay_ms=3000), 0), [10_000, 10_000])

    assert (first, second) == (Passage(101, 104), Passage(102, 105))


def test_line_with_a_full_buffer_asks_to_wait_until_a_quarter_of_a_second_of_it_is_left() -> None:
    line = Line(80, Shape(), 0)
    assert line.wait_s(100) == 0

    line.send(10_000, 100)

    assert line.wait_s(100) == pytest.approx(0.75)
    assert line.wait_s(100.75) == pytest.approx(0)


@given(
    sizes=st.lists(st.integers(1, 100_000), min_size=1, max_size=50),
    delay_ms=st.floats(0, 500),
    jitter_ms=st.floats(0, 800),
    every_s=st.floats(0, 0.2),
    seed=st.integers(0, 1000),
)
def test_nothing_overtakes_and_nothing_comes_before_it_left(
    sizes: list[int], delay_ms: float, jitter_ms: float, every_s: float, seed: int
) -> None:
    shape = Shape(delay_ms=delay_ms, jitter_ms=jitter_ms, stall=StallRule(0.2, 300))

    passages = sent(Line(1000, shape, seed), sizes, every_s)

    arrivals = [passage.arrives_s for passage in passages]
    assert arrivals == sorted(arrivals)
    assert all(passage.departs_s <= passage.arrives_s for passage in passages)
    assert passages == sent(Line(1000, shape, seed), sizes, every_s)


def test_jitter_goes_both_ways_around_the_delay() -> None:
    passages = sent(Line(None, Shape(delay_ms=50, jitter_ms=20), 1), [1] * 500, every_s=1.0)

    delays_ms = [(passage.arrives_s - passage.departs_s) * 1000 for passage in passages]
    assert 30 <= min(delays_ms) < 32
    assert 68 < max(delays_ms) <= 70


def test_stalls_come_as_often_as_said_and_hold_the_whole_line_up() -> None:
    passages = sent(Line(None, Shape(stall=StallRule(0.1, 200)), 4), [1] * 2000)

    stood_still_s = passages[-1].departs_s - 100
    assert stood_still_s == pytest.approx(2000 * 0.1 * 0.2, rel=0.15)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Shape(up_kbps=0), "cut"),
        (lambda: Shape(down_kbps=-1), "cut"),
        (lambda: Shape(delay_ms=-1), "0 or more"),
        (lambda: StallRule(1.5), "0 to 1"),
    ],
)
def test_shape_that_cannot_be_is_refused(make: type[Shape], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        make()


def test_meter_finds_the_fullest_window_of_both_directions_together() -> None:
    meter, began_s = Meter(), time.monotonic()
    meter.passed_up(100, began_s + 1.0)
    meter.passed_down(50, began_s + 1.5)
    meter.passed_up(120, began_s + 2.3)

    assert meter.most_bytes_in_any(0.4) == 120
    assert meter.most_bytes_in_any(0.6) == 150
    assert meter.most_bytes_in_any(0.9) == 170
    assert meter.most_bytes_in_any(60) == 270
    assert meter.most_bytes_in_any(60, since_s=1.2) == 170
    assert meter.most_bytes_in_any(1, since_s=5) == 0
    assert (meter.up_bytes, meter.down_bytes) == (220, 50)


def test_meter_forgets_what_is_older_than_an_hour_but_not_the_sums() -> None:
    meter, began_s = Meter(), time.monotonic()
    meter.passed_up(1_000_000, began_s + 10)
    meter.passed_down(500, began_s + 3000)
    meter.passed_up(100, began_s + 4000)
    meter.passed_up(7000, began_s + 10)

    assert meter.most_bytes_in_any(1) == 500
    assert meter.up_bytes == 1_007_100

    meter.passed_up(30, began_s + 40_000)

    assert meter.most_bytes_in_any(3600) == 30
