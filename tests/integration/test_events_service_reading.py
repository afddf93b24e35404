"""What the events service does with records that Faust repeats, drops or hands over too early."""

import asyncio

import pytest

from watchpost.errors import RetryableError
from watchpost.events.reading import GaplessReading


def reading(begin: int | None, log_start: int = 0) -> GaplessReading:
    async def first_offset(_partition: int) -> int:
        return log_start

    return GaplessReading(lambda _: begin, first_offset)


def admitted(guard: GaplessReading, *offsets: int) -> list[bool]:
    async def admit_all() -> list[bool]:
        return [await guard.admits(3, offset) for offset in offsets]

    return asyncio.run(admit_all())


def test_records_in_their_order_are_let_through() -> None:
    assert admitted(reading(begin=7), 7, 8, 9) == [True, True, True]


def test_repeated_records_are_dropped() -> None:
    assert admitted(reading(begin=7), 7, 8, 7, 8, 9) == [True, True, False, False, True]


def test_record_before_the_committed_offset_is_dropped() -> None:
    assert admitted(reading(begin=7), 5, 6, 7) == [False, False, True]


def test_record_that_comes_before_the_seek_is_dropped_because_it_comes_again() -> None:
    assert admitted(reading(begin=None), 9) == [False]


@pytest.mark.parametrize("offsets", [(8,), (7, 9)], ids=["first record", "later record"])
def test_hole_ends_the_service(offsets: tuple[int, ...]) -> None:
    with pytest.raises(RetryableError, match="jumps from offset"):
        admitted(reading(begin=7), *offsets)


def test_hole_that_retention_made_is_passed_over() -> None:
    assert admitted(reading(begin=7, log_start=20), 20, 21) == [True, True]


def test_record_admitted_before_partitions_were_shared_out_anew_holds_no_more() -> None:
    guard = reading(begin=7)
    admitted(guard, 7)
    assert guard.still_holds(3, 7)

    guard.forget()

    assert not guard.still_holds(3, 7)
