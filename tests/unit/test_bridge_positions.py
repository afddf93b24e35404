"""What was brought is counted exactly, in whichever order it went."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.clock import SetClock
from watchpost.bridge.manifest import Hold, LaneState
from watchpost.bridge.positions import (
    Stretch,
    brought,
    cut_short,
    newest_stretch,
    next_stretch,
    passed,
    unsent_records,
)
from watchpost.bridge.reading_plan import ReadingPlan
from watchpost.bridge.resumption import BreakCause, OffsetRange, SourceTopic, given_up, resumed
from watchpost.contracts import decode, encode
from watchpost.contracts.records import BridgeCheckpoint, OffsetSpan, SiteId, SourcePosition

SPANS = st.lists(st.tuples(st.integers(0, 60), st.integers(1, 9)), max_size=12)


def at(next_offset: int, *ahead: tuple[int, int], partition: int = 0) -> SourcePosition:
    return SourcePosition("t", "id", partition, 0, next_offset, 3, tuple(OffsetSpan(*span) for span in ahead))


def counted(position: SourcePosition) -> set[int]:
    return set(range(position.next_offset)).union(
        *(range(span.from_offset, span.to_offset) for span in position.sent_ahead)
    )


@given(SPANS)
def test_brought_spans_count_each_offset_once_and_never_touch_one_another(spans: list[tuple[int, int]]) -> None:
    position, wanted = at(0), set[int]()
    for start, length in spans:
        position = brought(position, start, start + length)
        wanted |= set(range(start, start + length))

    assert counted(position) == wanted
    ends = [position.next_offset, *(span.to_offset for span in position.sent_ahead)]
    assert all(end < span.from_offset for end, span in zip(ends, position.sent_ahead, strict=False))


@given(SPANS, st.integers(0, 80))
def test_what_is_passed_over_is_named_exactly(spans: list[tuple[int, int]], to_offset: int) -> None:
    position = at(0)
    for start, length in spans:
        position = brought(position, start, start + length)

    after, missing = passed(position, to_offset)

    named = set().union(*(range(span.from_offset, span.to_offset) for span in missing))
    assert named == set(range(to_offset)) - counted(position)
    assert counted(after) == counted(position) | set(range(to_offset))


def test_leader_epoch_is_the_latest_of_what_was_brought() -> None:
    ahead = brought(at(0), 10, 12, leader_epoch=7)

    assert (ahead.leader_epoch, brought(ahead, 0, 10, leader_epoch=5).leader_epoch) == (7, 7)


def test_time_is_the_latest_of_what_was_brought_given_up_and_kept_in_a_cut_log() -> None:
    ahead = brought(at(0), 10, 12, at_ms=7000)

    assert (ahead.last_at_ms, brought(ahead, 0, 10, at_ms=5000).last_at_ms) == (7000, 7000)
    assert given_up(at(0), 10, BreakCause.EXPIRED, 6000)[0].last_at_ms == 6000
    assert cut_short(ahead, 11).last_at_ms == 7000


def test_newest_stretch_lies_at_the_end_of_what_was_not_brought() -> None:
    assert newest_stretch(at(0), 100, 8) == Stretch(92, 100)
    assert newest_stretch(at(0, (92, 100)), 100, 8) == Stretch(84, 92)
    assert newest_stretch(at(0, (92, 100)), 103, 8) == Stretch(100, 103)
    assert newest_stretch(at(95, (97, 100)), 100, 8) == Stretch(95, 97)
    assert newest_stretch(at(100), 100, 8) is None


def test_next_stretch_ends_where_something_went_ahead() -> None:
    assert (next_stretch(at(5)), next_stretch(at(5, (9, 12)))) == (Stretch(5, None), Stretch(5, 9))


@given(st.lists(st.integers(0, 40), min_size=1, max_size=60), st.integers(1, 12), st.data())
def test_newest_first_brings_everything_once_with_few_spans(
    arrivals: list[int], most_records: int, data: st.DataObject
) -> None:
    plan, highs = ReadingPlan(), {0: 0, 1: 0, 2: 0}
    state = LaneState("c", {p: at(0, partition=p) for p in highs}, {})
    gone: dict[int, list[int]] = {p: [] for p in highs}

    def one_transaction() -> None:
        state.stretches = plan.newest(state, highs, most_records)
        for partition, stretch in state.stretches.items():
            end = highs[partition] if stretch.end is None else stretch.end
            some = min(end, stretch.start + data.draw(st.integers(1, 5)))
            for offset in range(stretch.start, some):
                gone[partition].append(offset)
                state.positions[partition] = brought(state.positions[partition], stretch.start, offset + 1)

    for new in arrivals:
        highs[new % 3] += new
        one_transaction()
        assert all(len(position.sent_ahead) <= 10 for position in state.positions.values())
    while any(unsent_records(position, highs[p]) for p, position in state.positions.items()):
        one_transaction()

    for partition, offsets in gone.items():
        assert sorted(offsets) == list(range(highs[partition]))
        assert state.positions[partition] == at(highs[partition], partition=partition)


def test_newest_first_reads_all_in_order_while_little_waits() -> None:
    state = LaneState("c", {0: at(5), 1: at(7, partition=1)}, {})

    assert ReadingPlan().newest(state, {0: 8, 1: 7}, 4) == {0: Stretch(5, None), 1: Stretch(7, None)}


def test_newest_first_gives_every_partition_its_turn() -> None:
    plan, highs = ReadingPlan(), dict.fromkeys(range(5), 100)
    state = LaneState("c", {p: at(0, partition=p) for p in highs}, {})

    turns = [partition for _ in range(5) for partition in plan.newest(state, highs, 4)]

    assert sorted(turns) == sorted([0, 1, 2, 3, 4] * 2)


def test_newest_first_reads_nothing_of_a_held_partition() -> None:
    state = LaneState("c", {0: at(5), 1: at(7, partition=1)}, {}, held={0: Hold(5, "unreadable")})

    assert set(ReadingPlan().newest(state, {0: 80, 1: 90}, 4)) == {1}


def test_expired_records_are_named_without_those_that_went_ahead() -> None:
    position, breaks = given_up(at(0, (4, 6), (8, 20)), 10, BreakCause.EXPIRED)

    assert [(gap.before.next_offset, gap.after.next_offset, gap.lost_records) for gap in breaks] == [
        (0, 4, 4),
        (6, 8, 2),
    ]
    assert position == at(20)


def test_log_cut_below_what_went_ahead_is_a_new_epoch_that_keeps_what_remains() -> None:
    topic = SourceTopic("t", "id", {0: OffsetRange(0, 15)})

    position, (gap,) = resumed(topic, 0, at(5, (8, 10), (12, 30)), None)

    assert gap.cause is BreakCause.CUT
    assert position == replace(at(5, (8, 10), (12, 15)), epoch=1, leader_epoch=-1)
    assert cut_short(at(5, (8, 10)), 3) == replace(at(3), epoch=1, leader_epoch=-1)


def test_checkpoint_keeps_what_went_ahead() -> None:
    said = BridgeCheckpoint(SiteId("shop"), "thumbnails", "c", (at(5, (8, 10)),), SetClock().now())

    assert decode(encode(said), BridgeCheckpoint) == said
