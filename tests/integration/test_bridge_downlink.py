"""What the centre has for a site comes down, once, whatever dies meanwhile, and keeps nothing from going up."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient

from tests.fakes.bridge_process import BridgeProcess
from tests.fakes.bridged_site import BridgedSite, delete_topics, event, partition_of
from tests.fakes.brokers import create_topic, produce
from tests.fakes.descents import Centre, landed, release, verdict
from tests.fakes.wan import wan_broker
from tests.waiting import wait_for
from watchpost.contracts import TopicName, decode, encode, fingerprint_of, shipped_schemas
from watchpost.contracts.records import ReleasePublished, SiteId, VerdictGiven
from watchpost.stream.embedded import EmbeddedKafka

pytestmark = pytest.mark.kafka

KBPS = 100
RECORDS_TOTAL = 'watchpost_bridge_downlink_records_total{topic="watchpost.verdicts.v1"}'
FOREIGN_TOTAL = "watchpost_bridge_downlink_foreign_total"


@pytest.fixture
def site(site_broker: EmbeddedKafka, embedded_broker: EmbeddedKafka, tmp_path: Path) -> BridgedSite:
    delete_topics(embedded_broker.bootstrap, [TopicName.RELEASES])
    wait_for(lambda: TopicName.RELEASES not in topics_at(embedded_broker))
    return BridgedSite(site_broker.bootstrap, embedded_broker.bootstrap, tmp_path)


def topics_at(broker: EmbeddedKafka) -> set[str]:
    return set(AdminClient({"bootstrap.servers": broker.bootstrap}).list_topics(timeout=10).topics)


def downlink_says(bridge: BridgeProcess, words: str) -> str:
    """What the downlink waits for, once it holds `words`."""
    return wait_for(lambda: bridge.waits_for().get("downlink", ""), lambda reason: words in reason, within_s=60)


def test_verdicts_and_releases_come_down_in_order_and_another_site_s_stay_out(site: BridgedSite) -> None:
    centre = Centre(site)
    before, foreign = centre.load(0), verdict(SiteId("another"), "foreign")
    centre.give([foreign, release("yolox", "1"), release("yolox", "2")])

    with site.bridge() as bridge, landed(site) as verdicts, landed(site, TopicName.RELEASES) as releases:
        verdicts.wait_for(len(before))
        meanwhile = centre.load(1)
        verdicts.wait_until_quiet(len(before) + len(meanwhile))
        releases.wait_until_quiet(2)
        bridge.wait_until_ready()
        counted = bridge.metric(RECORDS_TOTAL), bridge.metric(FOREIGN_TOTAL)

    verdicts.assert_once_and_in_order([*before, *meanwhile])
    assert [decode(value, ReleasePublished).version for value in releases.values] == ["1", "2"]
    assert counted == (60, 1)


def test_release_that_the_centre_withdraws_is_withdrawn_at_the_site(site: BridgedSite) -> None:
    centre = Centre(site)
    centre.give([release("yolox", "1")])
    centre.give_bytes(TopicName.RELEASES, None, "yolox")

    with site.bridge(), landed(site, TopicName.RELEASES) as releases:
        releases.wait_for(2)

    assert [message.value() is None for message in releases.messages] == [False, True]
    assert [message.key() for message in releases.messages] == [b"yolox", b"yolox"]


def test_bridge_that_is_killed_again_and_again_brings_each_verdict_once(site: BridgedSite) -> None:
    centre = Centre(site)
    given = []

    with landed(site) as verdicts:
        for batch in range(3):
            with site.bridge() as bridge:
                given += centre.load(batch, count=200)
                verdicts.wait_for(batch * 200 + 20)
                bridge.kill()
        with site.bridge():
            verdicts.wait_until_quiet(len(given), within_s=40)

    verdicts.assert_once_and_in_order(given)


def test_frozen_bridge_that_wakes_after_a_takeover_brings_nothing_twice(site: BridgedSite) -> None:
    centre = Centre(site)

    with landed(site) as verdicts, site.bridge() as first:
        given = centre.load(0)
        verdicts.wait_for(len(given))
        first.wait_until_ready()
        given += centre.load(1, count=300)
        first.freeze()
        with site.bridge() as second:
            second.wait_until_ready()
            verdicts.wait_for(len(given))
            first.wake()
            given += centre.load(2)
            verdicts.wait_until_quiet(len(given))

    verdicts.assert_once_and_in_order(given)


def test_centre_that_is_killed_and_returns_is_read_on_from_where_it_was(
    site_broker: EmbeddedKafka, fresh_broker: Callable[[], EmbeddedKafka], tmp_path: Path
) -> None:
    central = fresh_broker()
    site = BridgedSite(site_broker.bootstrap, central.bootstrap, tmp_path)
    centre = Centre(site)

    with site.bridge() as bridge, landed(site) as verdicts:
        given = centre.load(0)
        verdicts.wait_for(len(given))
        central.kill()
        wait_for(bridge.waits_for, lambda waits: "central" in waits)
        central.start()
        given += centre.load(1)
        verdicts.wait_until_quiet(len(given), within_s=60)
        bridge.wait_until_ready()

    verdicts.assert_once_and_in_order(given)


def test_site_kafka_that_is_killed_and_returns_gets_each_verdict_once(
    embedded_broker: EmbeddedKafka, fresh_broker: Callable[[], EmbeddedKafka], tmp_path: Path
) -> None:
    broker = fresh_broker()
    site = BridgedSite(broker.bootstrap, embedded_broker.bootstrap, tmp_path)
    centre = Centre(site)

    with site.bridge() as bridge:
        with landed(site) as verdicts:
            given = centre.load(0)
            verdicts.wait_for(len(given))
        broker.kill()
        given += centre.load(1)
        downlink_says(bridge, "the site")
        broker.start()
        with landed(site) as verdicts:
            verdicts.wait_until_quiet(len(given), within_s=60)
        bridge.wait_until_ready()

    verdicts.assert_once_and_in_order(given)


def test_topic_that_the_centre_lacks_is_named_while_events_go_up_and_it_comes_down_once_it_is_there(
    site: BridgedSite, embedded_broker: EmbeddedKafka
) -> None:
    centre = Centre(site)
    delete_topics(embedded_broker.bootstrap, [centre.verdicts])

    with site.bridge() as bridge, landed(site) as verdicts:
        waits = downlink_says(bridge, "the centre lacks")
        site.write([event("e1")])
        with site.reader() as events:
            events.wait_for(1)
        wait_for(bridge.waits_for, lambda seen: set(seen) == {"downlink"})
        site.make_central_topics()
        given = centre.load(0)
        verdicts.wait_for(len(given))
        bridge.wait_until_ready()

    assert waits == f"the centre lacks {centre.verdicts}; run `watchpost topics apply --central` there"


def test_topic_with_other_partitions_than_the_site_s_is_named(
    site: BridgedSite, embedded_broker: EmbeddedKafka
) -> None:
    centre = Centre(site)
    delete_topics(embedded_broker.bootstrap, [centre.verdicts])
    wait_for(lambda: centre.verdicts not in topics_at(embedded_broker))
    create_topic(embedded_broker.bootstrap, centre.verdicts, partitions=3)

    with site.bridge() as bridge:
        waits = downlink_says(bridge, "partitions")

    assert f"{centre.verdicts} has 3 partitions at the centre and watchpost.verdicts.v1 24 at the site" in waits


def test_topic_that_is_made_anew_at_the_centre_is_read_from_its_beginning(
    site: BridgedSite, embedded_broker: EmbeddedKafka
) -> None:
    centre = Centre(site)

    with site.bridge() as bridge, landed(site) as verdicts:
        verdicts.wait_for(len(centre.load(0)))
        bridge.wait_until_ready()
        delete_topics(embedded_broker.bootstrap, [centre.verdicts])
        downlink_says(bridge, "the centre lacks")
        site.make_central_topics()
        given = centre.load(1)
        verdicts.wait_until_quiet(60)

    assert set(verdicts.names()) >= {each.verdict_id for each in given}


def test_poison_holds_its_partition_alone_until_it_is_deleted_at_the_centre(
    site: BridgedSite, embedded_broker: EmbeddedKafka
) -> None:
    centre = Centre(site)
    centre.give_bytes(centre.verdicts, b"no record at all", "door")
    behind, beside = verdict(site.name, "behind", "door"), verdict(site.name, "beside", "yard")
    centre.give([behind, beside])
    place = partition_of("door")

    with site.bridge() as bridge, landed(site) as verdicts:
        verdicts.wait_until_quiet(1)
        waits = downlink_says(bridge, "expected Avro single-object encoding")
        assert verdicts.names() == ["beside"]
        admin = AdminClient({"bootstrap.servers": embedded_broker.bootstrap})
        for outcome in admin.delete_records([TopicPartition(centre.verdicts, place, 1)]).values():
            outcome.result(20)
        verdicts.wait_until_quiet(2)
        bridge.wait_until_ready()

    assert verdicts.names() == ["beside", "behind"]
    assert f"{centre.verdicts}, partition {place}, offset 0" in waits
    assert "deleted at the centre" in waits


def test_verdict_in_a_newer_schema_is_held_until_the_centre_tells_it_and_then_comes_in_the_site_s_own(
    site: BridgedSite, embedded_broker: EmbeddedKafka
) -> None:
    centre = Centre(site)
    shipped = shipped_schemas().latest("VerdictGiven")
    newer = json.loads(shipped.text)
    # unlike any that another test of this session has told the centre
    newer["fields"].append({"name": f"added_{site.name.replace('-', '_')}", "type": "boolean", "default": False})
    given = verdict(site.name, "newer")
    value = b"\xc3\x01" + bytes.fromhex(fingerprint_of(newer)) + encode(given)[10:] + b"\x01"
    centre.give_bytes(centre.verdicts, value, "door")

    with site.bridge() as bridge, landed(site) as verdicts:
        waits = downlink_says(bridge, fingerprint_of(newer))
        produce(
            embedded_broker.bootstrap,
            TopicName.SCHEMAS,
            [json.dumps(newer).encode()],
            key=fingerprint_of(newer).encode(),
        )
        verdicts.wait_for(1)
        bridge.wait_until_ready()

    assert TopicName.SCHEMAS in waits
    assert decode(verdicts.values[0], VerdictGiven) == given
    assert verdicts.values[0] == encode(given)


def test_verdict_in_a_partition_that_is_not_its_camera_s_is_held(site: BridgedSite) -> None:
    centre = Centre(site)
    wrong = (partition_of("door") + 1) % 24
    centre.give_bytes(centre.verdicts, encode(verdict(site.name, "astray")), "door", partition=wrong)

    with site.bridge() as bridge:
        waits = downlink_says(bridge, "partitioner=murmur2")

    assert f"door lies in partition {wrong} instead of {partition_of('door')}" in waits


def test_verdicts_that_come_down_stay_under_the_cap_too(embedded_broker: EmbeddedKafka, tmp_path: Path) -> None:
    with wan_broker(tmp_path / "central") as central:
        site = BridgedSite(
            embedded_broker.bootstrap,
            central.direct_bootstrap,
            tmp_path,
            options={"central": {"bootstrap": central.wan_bootstrap}, "bandwidth": {"max_kbps": KBPS}},
        )
        with site.bridge() as bridge, landed(site) as verdicts:
            # its start is not paid for: topics, offsets and schemas are asked for at once
            bridge.wait_until_ready()
            since_s = central.link.meter.now_s()
            given = Centre(site).load(0, count=1000)
            verdicts.wait_for(len(given), within_s=60)
            most_bytes = central.link.meter.most_bytes_in_any(5.0, since_s)

    verdicts.assert_once_and_in_order(given)
    assert most_bytes <= KBPS * 1000 / 8 * 5 * 1.3
