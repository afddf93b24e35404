"""How a log that lost its end is told from one that goes on."""

import pytest
from confluent_kafka import Message

from watchpost.bridge.history import _Past
from watchpost.contracts.records import SourcePosition


def past(next_offset: int, leader_epoch: int, end: int | None = None) -> _Past:
    position = SourcePosition("watchpost.events.v1", "id", 0, 0, next_offset, leader_epoch)
    return _Past(position, start=0, end=next_offset if end is None else end)


def read(log: _Past, epochs: list[int | None]) -> list[bool]:
    return [
        log.belongs(Message(offset=offset) if epoch is None else Message(offset=offset, leader_epoch=epoch))
        for offset, epoch in enumerate(epochs)
    ]


def test_log_of_earlier_leaders_is_whole() -> None:
    log = past(4, leader_epoch=3)

    assert all(read(log, [1, 1, 3, 3]))
    assert log.cut_at is None


def test_record_of_a_later_leader_below_the_checkpoint_shows_the_cut() -> None:
    log = past(4, leader_epoch=3)

    assert read(log, [1, 3, 5, 5]) == [True, True, False, False]
    assert log.cut_at == 2


def test_shorter_log_is_cut_at_its_end() -> None:
    log = past(4, leader_epoch=3, end=2)
    read(log, [1, 3])

    assert log.cut_at == 2


def test_shorter_log_that_grew_a_little_is_cut_where_it_was() -> None:
    log = past(10, leader_epoch=3, end=4)
    read(log, [1, 3, 4, 4])

    assert log.cut_at == 2


@pytest.mark.parametrize("known", [-1, 3])
def test_unknown_leaders_prove_nothing(known: int) -> None:
    log = past(2, leader_epoch=known)
    read(log, [None, None] if known >= 0 else [7, 7])

    assert log.cut_at is None
