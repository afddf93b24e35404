"""Where a lane goes on after a break, and what it tells the centre."""

import json
import threading
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from watchpost.bridge.back_off import BackOff
from watchpost.bridge.gaps import delivery_gap, gap_record
from watchpost.bridge.pace import Budget, Precedence
from watchpost.bridge.resumption import Break, BreakCause, OffsetRange, SourceTopic, resumed, without_strangers
from watchpost.bridge.uplink import Uplink
from watchpost.contracts import SourceHeader, TopicName, decode
from watchpost.contracts.identity import SITE_ITSELF
from watchpost.contracts.records import EventChanged, OffsetSpan, SiteId, SourcePosition

TOPIC = TopicName.EVENTS.value
AT = datetime(2026, 1, 1, tzinfo=UTC)
SITE = SiteId("shop")


def source(low: int = 0, high: int = 100, topic_id: str = "id-1") -> SourceTopic:
    return SourceTopic(TOPIC, topic_id, {3: OffsetRange(low, high)})


def reached(next_offset: int) -> SourcePosition:
    return SourcePosition(TOPIC, "id-1", 3, 0, next_offset, 5)


def retention_gap() -> Break:
    return Break(BreakCause.RETENTION, reached(10), reached(25))


def test_log_that_goes_on_is_read_from_the_checkpoint() -> None:
    assert resumed(source(), 3, reached(40), None) == (reached(40), ())


def test_partition_without_a_checkpoint_is_read_from_its_beginning() -> None:
    start, breaks = resumed(source(), 3, None, None)

    assert (start.next_offset, start.epoch, breaks) == (0, 0, ())


def test_first_start_tells_what_retention_took_before_it() -> None:
    start, (gap,) = resumed(source(low=30), 3, None, None)

    assert (start.next_offset, gap.cause, gap.lost_records) == (30, BreakCause.RETENTION, 30)


def test_retention_past_the_checkpoint_is_a_gap_in_the_same_epoch() -> None:
    start, (gap,) = resumed(source(low=25), 3, reached(10), None)

    assert (start, gap) == (reached(25), retention_gap())
    assert gap.lost_records == 15


def test_topic_made_anew_is_a_new_epoch_from_its_beginning() -> None:
    start, (gap,) = resumed(source(topic_id="id-2"), 3, reached(10), None)

    assert (start.topic_id, start.epoch, start.next_offset, start.leader_epoch) == ("id-2", 1, 0, -1)
    assert (gap.cause, gap.lost_records) == (BreakCause.REMADE, None)


def test_topic_made_anew_that_lost_its_beginning_tells_both() -> None:
    start, breaks = resumed(source(low=4, topic_id="id-2"), 3, reached(10), None)

    assert [gap.cause for gap in breaks] == [BreakCause.REMADE, BreakCause.RETENTION]
    assert (start.epoch, start.next_offset) == (1, 4)


def test_cut_log_is_a_new_epoch_from_the_cut() -> None:
    start, (gap,) = resumed(source(), 3, reached(40), 33)

    assert (start.epoch, start.next_offset, start.leader_epoch) == (1, 33, -1)
    assert gap.cause is BreakCause.CUT


def test_record_later_than_all_that_were_brought_below_the_checkpoint_is_where_the_log_was_put_back() -> None:
    checkpoint = {3: reached(40)}

    found = without_strangers(source(), checkpoint, {3: 33})

    # what lies beyond it is read, but says nothing of what was brought
    assert found.partitions[3] == OffsetRange(0, 33)


@pytest.mark.parametrize("later_from", [None, 40, 45], ids=["none", "at the checkpoint", "beyond it"])
def test_later_records_from_the_checkpoint_on_are_what_comes_next(later_from: int | None) -> None:
    assert without_strangers(source(), {3: reached(40)}, {3: later_from}) == source()


@pytest.mark.parametrize(("later_from", "cut_at"), [(20, None), (32, 32)], ids=["still to go", "gone ahead"])
def test_later_record_shows_a_log_put_back_only_where_one_was_brought(later_from: int, cut_at: int | None) -> None:
    newest_first = replace(reached(10), sent_ahead=(OffsetSpan(30, 40),))

    found = without_strangers(source(), {3: newest_first}, {3: later_from})

    start, breaks = resumed(found, 3, newest_first, None)
    assert [gap.after.sent_ahead for gap in breaks] == ([] if cut_at is None else [(OffsetSpan(30, cut_at),)])
    assert start.epoch == len(breaks)


def test_delivery_gap_names_the_exact_offsets_and_is_the_same_event_when_told_again() -> None:
    first = delivery_gap(SITE, "v1", retention_gap(), AT)
    again = delivery_gap(SITE, "v1", retention_gap(), AT.replace(year=2027))
    other = delivery_gap(SITE, "v1", replace(retention_gap(), after=reached(26)), AT)

    detail = json.loads(first.detail or "")
    assert (detail["next_offset"], detail["then_offset"], detail["lost_records"]) == (10, 25, 15)
    assert "offsets 10 to 24" in detail["explanation"]
    assert first.event_id == again.event_id != other.event_id


def test_delivery_gap_goes_to_the_events_of_no_camera_with_its_offsets_in_the_headers() -> None:
    record = gap_record(SITE, "v1", "cluster", retention_gap(), 7, lambda: AT)

    headers = dict(record.headers)
    assert record.topic == TopicName.EVENTS
    assert record.key == f"shop/{SITE_ITSELF}".encode()
    assert (headers[SourceHeader.GAP_FROM], headers[SourceHeader.GAP_TO]) == (b"10", b"25")
    assert SourceHeader.OFFSET not in headers
    assert decode(record.value, EventChanged).type == "delivery_gap"


@pytest.mark.parametrize(("max_kbps", "most_bytes"), [(None, 4 * 1024 * 1024), (500.0, 118_750), (1.0, 2048)])
def test_transaction_holds_at_most_two_seconds_of_the_link(max_kbps: float | None, most_bytes: int) -> None:
    assert Budget(Uplink(lambda: max_kbps)).max_bytes(ratio=1.0) == most_bytes


def test_budget_shrinks_with_slow_commits_and_grows_while_all_of_it_is_brisk() -> None:
    budget = Budget(Uplink(lambda: None))

    budget.committed(took_s=4, commit_s=3)
    budget.slow()
    shrunk = budget.max_bytes(1.0)
    budget.committed(took_s=3, commit_s=0.5)
    neither = budget.max_bytes(1.0)
    for _ in range(3):
        budget.committed(took_s=1.5, commit_s=0.5)

    assert (shrunk, neither, budget.max_bytes(1.0)) == (1024 * 1024, 1024 * 1024, 8 * 1024 * 1024)


def test_transaction_grows_four_times_as_long_as_a_commit_takes_and_two_seconds_at_most() -> None:
    budget = Budget(Uplink(lambda: None))
    grows_s = [budget.grows_s(least_s=0.2)]
    for commit_s in (0.01, 0.3, 5.0):
        budget.committed(took_s=1, commit_s=commit_s)
        grows_s.append(budget.grows_s(least_s=0.2))

    assert grows_s == pytest.approx([0.2, 0.2, 1.2, 2.0])


def test_thumbnails_wait_only_while_events_have_a_backlog_that_moves() -> None:
    precedence = Precedence()
    at_first = precedence.is_clear(0)
    precedence.backlog(moves=True)
    behind = precedence.is_clear(0)
    precedence.backlog(moves=False)

    assert (at_first, behind, precedence.is_clear(0)) == (True, False, True)


def test_back_off_ends_at_once_when_all_is_over() -> None:
    over = threading.Event()
    over.set()

    BackOff(first_s=60, most_s=600).wait(over)
