"""What the bridge writes of a gap is what the audit reads of it."""

import pytest

from tests.unit.test_audit_judging import NOW_MS, account, place
from watchpost.audit.judging import Lineage, judged
from watchpost.audit.offsets import Span
from watchpost.audit.origins import Announcement, announcement_in, dropped_in, place_in
from watchpost.bridge.gaps import gap_record
from watchpost.bridge.resumption import Break, BreakCause
from watchpost.clock import SystemClock
from watchpost.contracts import SourceHeader, TopicName, decode
from watchpost.contracts.records import EventChanged, OffsetSpan, SiteId, SourcePosition
from watchpost.errors import ContractError

THUMBNAILS = TopicName.THUMBNAILS


def position(
    next_offset: int, epoch: int = 0, topic_id: str = "id", ahead: tuple[OffsetSpan, ...] = ()
) -> SourcePosition:
    return SourcePosition(THUMBNAILS, topic_id, 3, epoch, next_offset, 0, ahead)


def announced(gap: Break) -> Announcement:
    """What an audit reads of the record that tells of `gap`."""
    sent = gap_record(SiteId("shop"), "", "cluster", gap, NOW_MS, SystemClock().now)
    return announcement_in(decode(sent.value, EventChanged), dict(sent.headers), "shop", NOW_MS)


@pytest.mark.parametrize("cause", [BreakCause.RETENTION, BreakCause.EXPIRED])
def test_gap_within_an_epoch_names_the_offsets_that_are_lost(cause: BreakCause) -> None:
    told = announced(Break(cause, position(5), position(12)))

    assert (told.cause, told.lost, told.before) == (cause, Span(5, 12), place(topic=THUMBNAILS))


def test_topic_made_anew_is_told_as_another_epoch_of_another_topic_id() -> None:
    told = announced(Break(BreakCause.REMADE, position(5), position(0, 1, "new")))

    assert told.lost is None
    assert told.before.is_same_log(place(topic=THUMBNAILS))
    assert told.after == place(1, THUMBNAILS, "new")
    assert (told.next_offset, told.then_offset) == (5, 0)


def test_cut_of_a_log_whose_newest_went_ahead_leaves_nothing_unexplained() -> None:
    before = position(5, ahead=(OffsetSpan(8, 10), OffsetSpan(12, 15)))
    after = position(5, 1, ahead=(OffsetSpan(8, 10),))
    told = announced(Break(BreakCause.CUT, before, after))
    # the log was cut at 11; of what went ahead 8 and 9 are still the same records and do not go again
    held = {
        place(0, THUMBNAILS): account([*range(5), 8, 9, *range(12, 15)]),
        place(1, THUMBNAILS): account([5, 6, 7, *range(10, 20)]),
    }
    checkpoint = position(20, 1)

    found = judged(Lineage(held, [told], {}, checkpoint, checkpoint, None))

    assert [each.faults for each in found] == [[], []]
    held[place(1, THUMBNAILS)] = account([5, 7, *range(10, 20)])
    lost = judged(Lineage(held, [told], {}, checkpoint, checkpoint, None))
    assert [each.missing for each in lost] == [(), (Span(6, 7),)]


@pytest.mark.parametrize("value", [b"3", b"3:x-5", b"3:5"])
def test_damaged_header_of_dropped_repeats_is_no_bridge_s(value: bytes) -> None:
    with pytest.raises(ContractError, match="partition:first-last"):
        dropped_in({SourceHeader.DROPPED_REPEATS: value})


def test_several_dropped_spans_of_several_partitions_are_read() -> None:
    found = dropped_in({SourceHeader.DROPPED_REPEATS: b"0:2-3,0:7-7,11:0-4"})

    assert found == [(0, Span(2, 4)), (0, Span(7, 8)), (11, Span(0, 5))]


@pytest.mark.parametrize(
    "lacking", [SourceHeader.CLUSTER, SourceHeader.TOPIC_ID, SourceHeader.PARTITION, SourceHeader.EPOCH]
)
def test_record_that_lacks_a_part_of_its_origin_is_no_bridge_s(lacking: SourceHeader) -> None:
    whole: dict[str, bytes] = {
        SourceHeader.CLUSTER: b"c", SourceHeader.TOPIC_ID: b"t", SourceHeader.PARTITION: b"1", SourceHeader.EPOCH: b"0"
    }  # fmt: skip
    assert place_in(whole, "shop", THUMBNAILS).partition == 1

    with pytest.raises(ContractError, match=lacking):
        place_in({name: value for name, value in whole.items() if name != lacking}, "shop", THUMBNAILS)
