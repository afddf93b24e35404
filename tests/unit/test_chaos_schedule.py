"""The schedule of `make chaos`: the same for the same seed, with every kind in it."""

from collections import Counter

import pytest

from benchmarks.bridge.chaos.schedule import FaultKind, schedule


def test_schedule_is_the_same_for_the_same_seed_and_another_for_another() -> None:
    assert schedule(50, 7) == schedule(50, 7)
    assert schedule(50, 7) != schedule(50, 8)


@pytest.mark.parametrize("count", [0, 1, 7, 8, 9, 30, 200])
def test_schedule_has_as_many_faults_as_were_asked_for(count: int) -> None:
    assert len(schedule(count, 1)) == count


@pytest.mark.parametrize("count", [8, 30, 200])
def test_schedule_leaves_no_kind_of_fault_out(count: int) -> None:
    assert {fault.kind for fault in schedule(count, 1)} == set(FaultKind)


def test_a_quarter_of_two_hundred_faults_are_kills_inside_a_transaction() -> None:
    assert Counter(fault.kind for fault in schedule(200, 1))[FaultKind.KILL_INSIDE] >= 50
