"""What an audit counts with: offsets, identities and delays of however many records, in bounded memory."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchpost.audit.delays import Delays
from watchpost.audit.offsets import OffsetSet, Span, count_of, joined, without
from watchpost.audit.sightings import Sightings, Twice

OFFSETS = st.lists(st.integers(0, 20_000), max_size=200)
SPANS = st.lists(st.tuples(st.integers(0, 60), st.integers(1, 9)).map(lambda pair: Span(pair[0], pair[0] + pair[1])))


def held(offsets: list[int]) -> OffsetSet:
    found = OffsetSet()
    for offset in offsets:
        found.add(offset)
    return found


def offsets_in(spans: list[Span]) -> list[int]:
    return [offset for span in spans for offset in range(*span)]


@given(OFFSETS)
def test_offset_set_holds_what_was_added_in_whatever_order(offsets: list[int]) -> None:
    found = held(offsets)

    assert offsets_in(list(found.spans())) == sorted(set(offsets))
    assert found.count == len(set(offsets))
    assert (found.first, found.end) == (min(offsets, default=-1), max(offsets, default=-1) + 1)


@given(OFFSETS)
def test_offset_set_says_which_offset_came_again(offsets: list[int]) -> None:
    found = OffsetSet()

    assert [found.add(offset) for offset in offsets] == [
        offset not in offsets[:number] for number, offset in enumerate(offsets)
    ]


def test_offset_set_needs_no_memory_for_a_long_row_and_still_knows_repeats() -> None:
    found = held([*range(0, 100_000, 2), *range(1, 100_000, 2)])

    assert list(found.spans()) == [Span(0, 100_000)]
    assert not found.add(4095)
    # but for the chunk at the end, rows are not kept bit by bit
    assert sum(chunk is not None for chunk in found._chunks.values()) == 1


def test_offset_far_away_costs_one_chunk() -> None:
    found = held([1, 10**15])

    assert list(found.spans()) == [Span(1, 2), Span(10**15, 10**15 + 1)]
    assert list(without(Span(0, 10**15), found.spans())) == [Span(0, 1), Span(2, 10**15)]


@given(SPANS)
def test_joined_spans_hold_the_same_offsets_and_do_not_touch(spans: list[Span]) -> None:
    found = list(joined(sorted(spans)))

    assert offsets_in(found) == sorted(set(offsets_in(spans)))
    assert all(before.end < after.first for before, after in itertools.pairwise(found))


@given(st.integers(0, 70), st.integers(0, 70), SPANS)
def test_without_leaves_what_is_wanted_and_not_held(first: int, end: int, spans: list[Span]) -> None:
    missing = list(without(Span(first, end), joined(sorted(spans))))

    assert offsets_in(missing) == sorted(set(range(first, end)) - set(offsets_in(spans)))
    assert count_of(missing) == len(offsets_in(missing))


@given(st.lists(st.tuples(st.integers(0, 2), st.sampled_from("abcdefgh"))))
def test_sightings_tell_each_record_that_came_again_with_its_places(records: list[tuple[int, str]]) -> None:
    with Sightings() as sightings:
        for number, (owner, name) in enumerate(records):
            sightings.add(owner, name, partition=number % 24, offset=number)
        told = {(twice.owner, twice.first, twice.again) for twice in sightings.twice()}

    places: dict[tuple[int, str], list[tuple[int, int]]] = {}
    for number, record in enumerate(records):
        places.setdefault(record, []).append((number % 24, number))
    assert told == {(owner, at[0], tuple(at[1:])) for (owner, _), at in places.items() if len(at) > 1}


def test_sightings_that_went_to_disk_are_told_as_well() -> None:
    with Sightings() as sightings:
        for number in range(200_000):
            sightings.add(0, f"e{number}", 1, number)
        sightings.add(0, "e7", 2, 5)

        assert list(sightings.twice()) == [Twice(0, (1, 7), ((2, 5),))]


@given(st.lists(st.integers(0, 10**9), min_size=1), st.sampled_from([50, 95, 99, 100]))
def test_percentile_of_delays_is_five_percent_exact(delays_ms: list[int], percent: int) -> None:
    delays = Delays()
    for delay_ms in delays_ms:
        delays.add(delay_ms)

    exact = sorted(delays_ms)[math.ceil(len(delays_ms) * percent / 100) - 1]
    found = delays.percentile_ms(percent)
    assert found is not None
    assert exact / 1.051 - 1 <= found <= exact * 1.051 + 1
    assert delays.max_ms == max(delays_ms)


def test_negative_delay_is_a_wrong_clock_and_no_delay() -> None:
    delays = Delays()
    for delay_ms in (-5000, 10, 10):
        delays.add(delay_ms)

    assert (delays.negative, delays.most_negative_ms, delays.percentile_ms(50)) == (1, -5000, 10)


@pytest.mark.parametrize("percent", [50, 99])
def test_no_records_have_no_percentile(percent: int) -> None:
    assert Delays().percentile_ms(percent) is None
