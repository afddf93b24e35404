"""What goes up, what is dropped and what is held, decided without Kafka."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pytest
from confluent_kafka import TIMESTAMP_CREATE_TIME, Message
from hypothesis import given
from hypothesis import strategies as st

from watchpost.bridge.envelope import Outgoing
from watchpost.bridge.lanes import LaneName, lanes
from watchpost.bridge.manifest import LaneState, Manifest, begun, extend, waiting_reason
from watchpost.bridge.naming import Named
from watchpost.bridge.repeats import Dropped, RepeatWindow
from watchpost.contracts import SourceHeader, TopicName
from watchpost.contracts.records import (
    CameraId,
    EventChanged,
    EventPhase,
    Provenance,
    SiteId,
    SourcePosition,
)
from watchpost.errors import UnknownSchemaError
from watchpost.settings import BridgeSettings, ThumbnailSettings

NOW_MS = 1_795_000_000_000
SITE = SiteId("shop")


def position(partition: int, next_offset: int = 0, leader_epoch: int = -1) -> SourcePosition:
    return SourcePosition(TopicName.EVENTS, "topic-id", partition, 0, next_offset, leader_epoch)


def lane_state(window: int = 100) -> LaneState:
    partitions = range(3)
    return LaneState("cluster", {p: position(p) for p in partitions}, {p: RepeatWindow(window) for p in partitions})


def read(value: bytes) -> EventChanged:
    """Values of these tests are names of events; one that begins with ? has an unknown schema."""
    if value.startswith(b"?"):
        raise UnknownSchemaError(value.decode())
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return EventChanged(
        event_id=value.decode(),
        revision=1,
        site=SITE,
        camera=CameraId("door"),
        type="person_count",
        phase=EventPhase.SAMPLE,
        opened_at=at,
        at=at,
        confidence=1.0,
        person_count=1,
        box=None,
        thumbnail_id=None,
        clip_uri=None,
        verdict=None,
        detail=None,
        provenance=Provenance("", "", "", "", "", ""),
    )


def named(value: bytes) -> Named:
    record = read(value)
    return Named(record.camera, record.event_id)


def message(partition: int, offset: int, name: str, timestamp_ms: int = NOW_MS) -> Message:
    return Message(
        topic=TopicName.EVENTS,
        partition=partition,
        offset=offset,
        key=b"door",
        value=name.encode(),
        headers=[("trace", b"1")],
        timestamp=(TIMESTAMP_CREATE_TIME, timestamp_ms),
        leader_epoch=4,
    )


@dataclass(frozen=True)
class Composed:
    manifest: Manifest
    outgoing: list[Outgoing]


def compose(state: LaneState, *handfuls: Iterable[Message]) -> Composed:
    manifest, outgoing = begun(state), []
    for messages in handfuls:
        outgoing += extend(manifest, tuple(messages), state, SITE, named, NOW_MS)
    return Composed(manifest, outgoing)


def headers(composed: Composed, index: int) -> dict[str, bytes]:
    return dict(composed.outgoing[index].headers)


def test_record_goes_up_with_its_bytes_its_headers_and_its_origin() -> None:
    composed = compose(lane_state(), [message(1, 7, "a")])

    (sent,) = composed.outgoing
    assert (sent.topic, sent.key, sent.value, sent.timestamp_ms) == (TopicName.EVENTS, b"shop/door", b"a", NOW_MS)
    assert dict(sent.headers) == {
        "trace": b"1",
        SourceHeader.CLUSTER: b"cluster",
        SourceHeader.TOPIC_ID: b"topic-id",
        SourceHeader.PARTITION: b"1",
        SourceHeader.EPOCH: b"0",
        SourceHeader.OFFSET: b"7",
        SourceHeader.SENT: str(NOW_MS).encode(),
    }
    assert composed.manifest.positions[1] == replace(position(1, next_offset=8, leader_epoch=4), last_at_ms=NOW_MS)


def test_state_is_left_alone_until_the_manifest_is_applied() -> None:
    state = lane_state()

    composed = compose(state, [message(0, 0, "a")])
    again = compose(state, [message(0, 0, "a")])

    # an aborted transaction's records are read again: they must not look like repeats of themselves
    assert len(composed.outgoing) == len(again.outgoing) == 1
    assert state.positions[0].next_offset == 0


def test_repeat_is_dropped_and_told_by_the_next_record_of_any_partition() -> None:
    state = lane_state()
    compose(state, [message(0, 0, "a"), message(0, 1, "b")]).manifest.applied_to(state)

    composed = compose(state, [message(0, 2, "a"), message(0, 3, "b"), message(1, 0, "c")])

    assert [sent.value for sent in composed.outgoing] == [b"c"]
    assert headers(composed, 0)[SourceHeader.DROPPED_REPEATS] == b"0:2-3"
    assert composed.manifest.positions[0].next_offset == 4
    assert composed.manifest.repeats == 2


def test_repeats_that_nothing_follows_do_not_move_the_checkpoint() -> None:
    state = lane_state()
    compose(state, [message(0, 0, "a")]).manifest.applied_to(state)

    compose(state, [message(0, 1, "a")]).manifest.applied_to(state)

    assert state.positions[0].next_offset == 1
    assert state.next_positions()[0].next_offset == 2
    composed = compose(state, [message(0, 2, "b")])
    assert headers(composed, 0)[SourceHeader.DROPPED_REPEATS] == b"0:1-1"


def test_repeat_within_one_transaction_is_dropped_too() -> None:
    composed = compose(lane_state(), [message(0, 0, "a"), message(0, 1, "a"), message(0, 2, "b")])

    assert [sent.value for sent in composed.outgoing] == [b"a", b"b"]


def test_repeat_of_what_went_in_the_same_transaction_before_is_dropped_and_told_by_what_follows() -> None:
    composed = compose(lane_state(), [message(0, 0, "a")], [message(0, 1, "a")], [message(0, 2, "b")])

    assert [sent.value for sent in composed.outgoing] == [b"a", b"b"]
    assert headers(composed, 1)[SourceHeader.DROPPED_REPEATS] == b"0:1-1"
    assert composed.manifest.positions[0].next_offset == 3


def test_partition_that_is_held_stays_so_in_what_follows() -> None:
    composed = compose(lane_state(), [message(0, 0, "?x")], [message(0, 1, "behind"), message(1, 0, "other")])

    assert [sent.value for sent in composed.outgoing] == [b"other"]
    assert composed.manifest.held[0].offset == 0


def test_unreadable_record_holds_its_partition_and_no_other() -> None:
    state = lane_state()

    composed = compose(state, [message(0, 0, "?x"), message(0, 1, "behind"), message(1, 0, "other")])
    composed.manifest.applied_to(state)

    assert [sent.value for sent in composed.outgoing] == [b"other"]
    assert state.positions[0].next_offset == 0
    assert "partition 0, offset 0" in (waiting_reason(state.held) or "")


def test_held_record_that_can_be_read_now_goes_and_ends_the_hold() -> None:
    state = lane_state()
    compose(state, [message(0, 0, "?x")]).manifest.applied_to(state)

    composed = compose(state, [message(0, 0, "x"), message(0, 1, "behind")])
    composed.manifest.applied_to(state)

    assert [sent.value for sent in composed.outgoing] == [b"x", b"behind"]
    assert waiting_reason(state.held) is None


@pytest.mark.parametrize(("age_days", "is_clamped"), [(6, False), (8, True), (NOW_MS // 86_400_000, True)])
def test_timestamp_so_old_that_no_set_clock_wrote_it_is_clamped_with_the_original_told(
    age_days: int, *, is_clamped: bool
) -> None:
    then_ms = NOW_MS - age_days * 86_400_000

    (sent,) = compose(lane_state(), [message(1, 0, "old", then_ms)]).outgoing

    assert sent.timestamp_ms == (NOW_MS if is_clamped else then_ms)
    assert dict(sent.headers).get(SourceHeader.ORIGINAL_TIMESTAMP) == (str(then_ms).encode() if is_clamped else None)


def test_timestamp_in_the_centres_future_is_clamped_with_the_original_told() -> None:
    hour_ms = 3_600_000
    composed = compose(lane_state(), [message(0, 0, "a", NOW_MS + hour_ms), message(0, 1, "b", NOW_MS - hour_ms)])

    ahead, past = composed.outgoing
    assert ahead.timestamp_ms == NOW_MS
    assert headers(composed, 0)[SourceHeader.ORIGINAL_TIMESTAMP] == str(NOW_MS + hour_ms).encode()
    assert past.timestamp_ms == NOW_MS - hour_ms
    assert SourceHeader.ORIGINAL_TIMESTAMP not in headers(composed, 1)


@given(
    st.lists(st.tuples(st.integers(0, 2), st.sampled_from("abcdefgh")), max_size=60),
    st.integers(1, 7),
    st.integers(1, 3),
)
def test_every_offset_is_sent_or_told_as_dropped_and_no_name_goes_twice(
    log: list[tuple[int, str]], handful: int, handfuls: int
) -> None:
    offsets = [0, 0, 0]
    messages = []
    for partition, name in log:
        # names are a partition's own, as keys are
        messages.append(message(partition, offsets[partition], f"{partition}{name}"))
        offsets[partition] += 1
    messages += [message(partition, offsets[partition], f"end{partition}") for partition in range(3)]
    state = lane_state()

    sent = []
    accounted: set[tuple[int, int]] = set()
    batch = handful * handfuls
    for start in range(0, len(messages), batch):
        together = messages[start : start + batch]
        composed = compose(state, *(together[at : at + handful] for at in range(0, len(together), handful)))
        composed.manifest.applied_to(state)
        for outgoing in composed.outgoing:
            header = dict(outgoing.headers)
            sent.append(outgoing.value)
            accounted.add((int(header[SourceHeader.PARTITION]), int(header[SourceHeader.OFFSET])))
            accounted |= dropped_in(header.get(SourceHeader.DROPPED_REPEATS, b""))

    assert len(sent) == len(set(sent))
    assert accounted == {(partition, offset) for partition in range(3) for offset in range(offsets[partition] + 1)}


def dropped_in(header: bytes) -> set[tuple[int, int]]:
    found = set()
    for part in filter(None, header.decode().split(",")):
        partition, _, span = part.partition(":")
        first, _, last = span.partition("-")
        found |= {(int(partition), offset) for offset in range(int(first), int(last) + 1)}
    return found


@pytest.mark.parametrize("names", [("a", "b", "c"), ("ab", "c"), ("abc",)], ids=["one by one", "two", "at once"])
def test_window_forgets_the_oldest_only(names: tuple[str, ...]) -> None:
    window = RepeatWindow(2)
    for some in names:
        window.remember(some)

    assert ("a" in window, "b" in window, "c" in window) == (False, True, True)


def test_nothing_dropped_is_false() -> None:
    assert not Dropped()


def test_only_events_and_thumbnails_go_up_and_events_go_first() -> None:
    both = {lane.name: lane for lane in lanes(BridgeSettings(), ThumbnailSettings())}

    assert {lane.topic for lane in both.values()} == {TopicName.EVENTS, TopicName.THUMBNAILS}
    assert [name for name, lane in both.items() if lane.goes_first] == [LaneName.EVENTS]
    assert len({lane.transactional_id(SITE) for lane in both.values()}) == 2
