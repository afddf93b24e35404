"""What an audit makes of what it counted: which holes are explained, and which are faults."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchpost.audit.judging import Lineage, PlaceFinding, judged
from watchpost.audit.ledger import Account
from watchpost.audit.offsets import Span
from watchpost.audit.origins import Announcement, Place
from watchpost.contracts import TopicName
from watchpost.contracts.records import OffsetSpan, SourcePosition

EVENTS, THUMBNAILS = TopicName.EVENTS, TopicName.THUMBNAILS
NOW_MS, LONG_AGO_MS = 1_795_000_000_000, 1_790_000_000_000


def place(epoch: int = 0, topic: TopicName = EVENTS, topic_id: str = "id") -> Place:
    return Place("shop", topic, 3, epoch, topic_id, "cluster")


def account(offsets: Iterable[int], judged_from: int = 0) -> Account:
    found = Account(judged_from=judged_from)
    for offset in offsets:
        found.held.add(offset)
    return found


def position(next_offset: int, epoch: int = 0, ahead: tuple[OffsetSpan, ...] = ()) -> SourcePosition:
    return SourcePosition(EVENTS, "id", 3, epoch, next_offset, 0, ahead)


def gap(cause: str, next_offset: int, then_offset: int, then_epoch: int = 0, told_ms: int = NOW_MS) -> Announcement:
    before = 0 if then_epoch else then_epoch
    return Announcement(cause, place(before), next_offset, place(then_epoch), then_offset, told_ms)


def findings(
    accounts: dict[Place, Account],
    checkpoint: SourcePosition | None,
    *told: Announcement,
    horizon_ms: int | None = None,
    later: SourcePosition | None = None,
) -> list[PlaceFinding]:
    return judged(Lineage(accounts, told, {}, checkpoint, later or checkpoint, horizon_ms))


def faults(accounts: dict[Place, Account], checkpoint: SourcePosition | None, *told: Announcement) -> list[str]:
    return [fault for found in findings(accounts, checkpoint, *told) for fault in found.faults]


@given(st.sets(st.integers(0, 40)), st.integers(0, 41))
def test_everything_that_the_checkpoint_counts_must_be_there(held: set[int], counted: int) -> None:
    (found,) = findings({place(): account(held)}, position(counted))

    end = max(counted, min(counted, max(held, default=-1) + 1))
    assert found.missing_records == len(set(range(end)) - held)
    assert any("another writer's" in fault for fault in found.faults) == any(offset >= counted for offset in held)


def test_records_that_came_while_it_was_read_are_counted_by_the_later_checkpoint() -> None:
    (found,) = findings({place(): account(range(8))}, position(5), later=position(12))

    assert (found.faults, found.missing_records) == ([], 0)


def test_hole_between_both_checkpoints_is_missing_since_events_go_in_order() -> None:
    (found,) = findings({place(): account([*range(6), 7])}, position(5), later=position(12))

    assert found.missing == (Span(6, 7),)


def test_hole_between_both_checkpoints_is_no_fault_of_thumbnails_since_they_may_go_newest_first() -> None:
    held = {place(topic=THUMBNAILS): account([*range(6), 7])}

    (found,) = findings(held, position(5), later=position(12))

    assert found.faults == []


def test_gap_that_was_announced_explains_its_offsets_alone() -> None:
    (found,) = findings({place(): account([0, 1, 6, 7])}, position(8), gap("retention", 2, 5))

    assert found.missing == (Span(5, 6),)
    assert found.announced == (("retention", Span(2, 5)),)


def test_next_epoch_begins_where_it_was_announced() -> None:
    whole = {place(0): account(range(5)), place(1): account(range(2, 9))}
    told = gap("cut", 5, 2, then_epoch=1)

    assert faults(whole, position(9, epoch=1), told) == []
    late = {place(0): account(range(5)), place(1): account(range(3, 9))}
    assert faults(late, position(9, epoch=1), told) == ["1 records are missing: offsets 2"]


def test_earlier_epoch_ends_where_the_next_was_announced() -> None:
    told = gap("remade", 5, 0, then_epoch=1)
    short = {place(0): account(range(4)), place(1): account(range(3))}
    long = {place(0): account(range(6)), place(1): account(range(3))}

    assert faults(short, position(3, epoch=1), told) == ["1 records are missing: offsets 4"]
    assert faults(long, position(3, epoch=1), told) == [
        "epoch 1 was announced to follow offset 4, but offsets 5 are there: another writer's"
    ]


def test_epoch_without_an_announcement_is_a_fault() -> None:
    found = faults({place(0): account(range(5)), place(1): account(range(3))}, position(3, epoch=1))

    assert found == [
        "the checkpoint is in epoch 1, and no delivery_gap tells how that came",
        "epoch 1 begins, and no delivery_gap tells of it",
    ]


def test_two_logs_in_one_epoch_are_a_fault() -> None:
    found = faults({place(): account(range(5)), place(topic_id="other"): account(range(5))}, position(5))

    assert "epoch 0 is claimed by two logs (topic id or cluster differ)" in found


def test_records_without_any_checkpoint_are_a_fault() -> None:
    assert faults({place(): account(range(5))}, None) == ["no checkpoint counts these records"]


def test_offsets_that_are_there_twice_are_a_fault() -> None:
    twice = account(range(5))
    twice.repeated = 2

    assert faults({place(): twice}, position(5)) == ["2 offsets are there twice"]


@pytest.mark.parametrize(("horizon_ms", "missing"), [(None, 3), (LONG_AGO_MS, 0)])
def test_hole_at_the_start_is_a_fault_only_where_the_centre_deleted_nothing(
    horizon_ms: int | None, missing: int
) -> None:
    (found,) = findings({place(): account(range(3, 9))}, position(9), horizon_ms=horizon_ms)

    assert found.missing_records == missing


def test_hole_behind_what_the_centre_may_have_deleted_is_a_fault() -> None:
    # offsets 0 to 3 are of a time of which records may be gone: 1 is, and proves nothing; 5 is not
    (found,) = findings({place(): account([0, 2, 3, 4, 6], judged_from=4)}, position(7), horizon_ms=LONG_AGO_MS)

    assert (found.judged_from, found.missing) == (4, (Span(5, 6),))


def test_epoch_told_lately_must_begin_where_it_was_announced_whatever_the_centre_deleted() -> None:
    accounts = {place(0): account(range(5), judged_from=2), place(1): account(range(1, 4))}
    told = gap("remade", 5, 0, then_epoch=1)

    (_, later) = findings(accounts, position(4, epoch=1), told, horizon_ms=LONG_AGO_MS)
    assert later.missing == (Span(0, 1),)
    (_, unsure) = findings(accounts, position(4, epoch=1), told, horizon_ms=NOW_MS - 1000)
    assert unsure.missing == ()


def test_thumbnails_sent_ahead_are_counted_and_what_is_still_to_come_is_not_missing() -> None:
    accounts = {place(topic=THUMBNAILS): account([*range(5), *range(8, 10)])}
    ahead = (OffsetSpan(8, 10),)

    assert faults(accounts, position(5, ahead=ahead)) == []
    assert faults(accounts, position(5)) == [
        "the checkpoint counts up to offset 4, but offsets 8 to 9 are there: another writer's"
    ]
    lost = {place(topic=THUMBNAILS): account([*range(5), 9])}
    assert faults(lost, position(5, ahead=ahead)) == ["1 records are missing: offsets 8"]
