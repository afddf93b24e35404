"""What comes down, what is another site's and what is held, decided without Kafka."""

from confluent_kafka import TIMESTAMP_CREATE_TIME, Message

from tests.fakes.bridged_site import partition_of
from tests.fakes.descents import release, verdict
from watchpost.bridge.downlink_sorting import DownlinkState, held_reason, sorted_out, ways
from watchpost.contracts import SourceHeader, TopicName, decode, encode
from watchpost.contracts.records import SiteId

SITE = SiteId("shop")
VERDICTS = TopicName.SITE_VERDICTS.of(SITE)
DOOR, YARD = partition_of("door"), partition_of("yard")


def message(topic: str, partition: int, offset: int, value: bytes | None, key: bytes = b"door") -> Message:
    return Message(
        topic=topic,
        partition=partition,
        offset=offset,
        key=key,
        value=value,
        headers=[("theirs", b"kept")],
        timestamp=(TIMESTAMP_CREATE_TIME, 1),
    )


def state() -> DownlinkState:
    positions = {(VERDICTS, partition): 0 for partition in range(24)} | {(TopicName.RELEASES.value, 0): 0}
    return DownlinkState("centre", {VERDICTS: "id-v", TopicName.RELEASES: "id-r"}, positions)


def test_verdict_comes_down_as_it_is_with_its_origin() -> None:
    value = encode(verdict(SITE, "v1"))

    found = sorted_out([message(VERDICTS, DOOR, 7, value)], state(), SITE, decode)

    (descending,) = found.descending
    assert (descending.topic, descending.partition, descending.key) == (TopicName.VERDICTS, DOOR, b"door")
    assert descending.value == value
    assert dict(descending.headers) == {
        "theirs": b"kept",
        SourceHeader.CLUSTER: b"centre",
        SourceHeader.TOPIC_ID: b"id-v",
        SourceHeader.PARTITION: str(DOOR).encode(),
        SourceHeader.OFFSET: b"7",
    }
    assert found.positions[VERDICTS, DOOR] == 8


def test_verdict_of_another_site_is_counted_and_passed() -> None:
    value = encode(verdict(SiteId("another"), "v1"))

    found = sorted_out([message(VERDICTS, DOOR, 0, value)], state(), SITE, decode)

    assert (found.descending, found.foreign, found.positions[VERDICTS, DOOR]) == ([], 1, 1)


def test_what_cannot_be_read_holds_its_partition_and_no_other() -> None:
    behind, beside = encode(verdict(SITE, "behind")), encode(verdict(SITE, "beside", "yard"))
    before = state()

    found = sorted_out(
        [
            message(VERDICTS, DOOR, 0, b"poison"),
            message(VERDICTS, DOOR, 1, behind),
            message(VERDICTS, YARD, 0, beside),
        ],
        before,
        SITE,
        decode,
    )

    assert [each.value for each in found.descending] == [beside]
    assert found.positions[VERDICTS, DOOR] == 0
    assert f"{VERDICTS}, partition {DOOR}, offset 0: expected Avro" in (held_reason(found.held) or "")
    assert before.held == {}


def test_hold_ends_when_its_record_can_be_read() -> None:
    value = encode(verdict(SITE, "v1"))
    before = state()
    sorted_out([message(VERDICTS, DOOR, 0, b"poison")], before, SITE, decode).applied_to(before)

    found = sorted_out([message(VERDICTS, DOOR, 0, value)], before, SITE, decode)

    assert held_reason(before.held) is not None
    assert held_reason(found.held) is None
    assert len(found.descending) == 1


def test_record_that_was_brought_already_is_passed_over() -> None:
    before = state()
    before.positions[VERDICTS, DOOR] = 5

    found = sorted_out([message(VERDICTS, DOOR, 4, encode(verdict(SITE, "v1")))], before, SITE, decode)

    assert (found.descending, found.positions) == ([], before.positions)


def test_only_a_release_can_be_withdrawn() -> None:
    releases = TopicName.RELEASES.value

    found = sorted_out([message(VERDICTS, 0, 0, None), message(releases, 0, 0, None)], state(), SITE, decode)

    assert [(each.topic, each.value) for each in found.descending] == [(TopicName.RELEASES, None)]
    assert set(found.held) == {(VERDICTS, 0)}


def test_release_keeps_its_key_and_a_verdict_among_releases_is_held() -> None:
    releases = TopicName.RELEASES.value
    good, bad = encode(release("yolox", "1")), encode(verdict(SITE, "v1"))

    found = sorted_out([message(releases, 0, 0, good, b"yolox"), message(releases, 0, 1, bad)], state(), SITE, decode)

    assert [each.key for each in found.descending] == [b"yolox"]
    assert "expected ReleasePublished, got VerdictGiven" in (held_reason(found.held) or "")


def test_nothing_but_verdicts_of_this_site_and_releases_comes_down() -> None:
    assert {way.source for way in ways(SITE)} == {"watchpost.verdicts.shop.v1", "watchpost.releases.v1"}


def test_camera_s_verdict_in_another_partition_is_held() -> None:
    found = sorted_out([message(VERDICTS, YARD, 0, encode(verdict(SITE, "v1")))], state(), SITE, decode)

    assert found.descending == []
    assert "partitioner=murmur2" in (held_reason(found.held) or "")
