"""A short form of `make chaos`: each kind of fault once, in an order that a seed says; the long one has hundreds."""

from pathlib import Path

import pytest

from benchmarks.bridge.chaos import run_chaos

# a minute and a half where nothing else runs; on a busy machine each fault costs more
pytestmark = [pytest.mark.kafka, pytest.mark.timeout(600)]


def test_each_kind_of_fault_in_turn_loses_and_repeats_nothing(tmp_path: Path) -> None:
    said: list[str] = []

    outcome = run_chaos(tmp_path, faults=8, seed=8, say=said.append)

    assert (outcome.lost, outcome.repeated) == (0, 0), said
    assert outcome.audit["explained"], outcome.audit["faults"]
    assert outcome.is_whole, outcome
    assert set(outcome.by_kind.values()) == {1}
    assert outcome.inside_a_transaction == 1
    assert outcome.events > 100
