"""What the bridge carries, and how it looks at the centre, on two real brokers."""

import io
import json
import time
from collections import Counter
from pathlib import Path

import pytest
from fastavro import parse_schema, schemaless_writer

from tests.fakes.bridged_site import BridgedSite, delete_topics, event, partition_of, thumbnail
from tests.fakes.brokers import Broker, produce
from tests.waiting import wait_for
from watchpost.bridge import SourceHeader
from watchpost.bridge.clusters import Cluster
from watchpost.bridge.reading_to_end import read_to_end
from watchpost.contracts import TopicName, encode, fingerprint_in, fingerprint_of, shipped_schemas, to_plain
from watchpost.contracts.records import EventChanged
from watchpost.stream import headers_of, key_of, value_of
from watchpost.stream.embedded import EmbeddedKafka

pytestmark = pytest.mark.kafka

_BACKLOG = 600


@pytest.fixture
def site(site_broker: EmbeddedKafka, embedded_broker: EmbeddedKafka, tmp_path: Path) -> BridgedSite:
    return BridgedSite(site_broker.bootstrap, embedded_broker.bootstrap, tmp_path)


def encoded_with(schema_text: str, record: EventChanged) -> bytes:
    """`record` as a newer writer would encode it."""
    schema = json.loads(schema_text)
    body = io.BytesIO()
    schemaless_writer(body, parse_schema(schema), to_plain(record))
    return b"\xc3\x01" + bytes.fromhex(fingerprint_of(schema)) + body.getvalue()


def publish_schema(site: BridgedSite, text: str) -> None:
    """As a newer bridge of another site would."""
    key = fingerprint_of(json.loads(text)).encode()
    produce(site.central_bootstrap, TopicName.SCHEMAS, [text.encode()], key=key)


def test_every_record_arrives_once_with_its_bytes_key_headers_and_origin(
    site_broker: EmbeddedKafka, broker: Broker, tmp_path: Path
) -> None:
    site = BridgedSite(site_broker.bootstrap, broker.bootstrap, tmp_path)
    cameras = [f"camera-{number}" for number in range(7)]

    with site.bridge() as bridge, site.reader() as reader:
        written = site.write((event(f"e{n}", cameras[n % 7]) for n in range(2000)), headers={"trace": b"t1"})
        arrivals = reader.wait_until_quiet(2000)
        bridge.wait_until_ready()

    assert arrivals.values == Counter(written)
    arrivals.assert_gapless()
    assert {key_of(message) for message in arrivals.messages} == {f"{site.name}/{name}".encode() for name in cameras}
    assert all(("trace", b"t1") in headers_of(message) for message in arrivals.messages)
    assert {header[SourceHeader.EPOCH] for header in arrivals.headers()} == {"0"}


def test_records_of_a_camera_keep_their_order_and_their_timestamps(site: BridgedSite) -> None:
    written_ms = int(time.time() * 1000)

    with site.bridge(), site.reader() as reader:
        written = site.write(event(f"e{n}") for n in range(500))
        arrivals = reader.wait_for(500)

    assert [value_of(message) for message in arrivals.messages] == written
    assert all(written_ms <= message.timestamp()[1] <= time.time() * 1000 for message in arrivals.messages)


def test_thumbnails_go_up_on_their_own_lane(site: BridgedSite) -> None:
    with site.bridge(), site.reader(TopicName.THUMBNAILS) as reader:
        written = site.write(thumbnail(f"t{n}") for n in range(20))
        arrivals = reader.wait_until_quiet(20)

    assert arrivals.values == Counter(written)
    arrivals.assert_gapless()


def test_timestamp_in_the_future_is_clamped_and_told(
    site_broker: EmbeddedKafka, embedded_broker: EmbeddedKafka, tmp_path: Path
) -> None:
    # LogAppendTime would hide it: so does a site whose clock jumped
    settings = {"message.timestamp.type": "CreateTime", "message.timestamp.after.max.ms": str(2**62)}
    site = BridgedSite(site_broker.bootstrap, embedded_broker.bootstrap, tmp_path, topic_settings=settings)
    tomorrow_ms = int(time.time() * 1000) + 24 * 3600 * 1000

    with site.bridge(), site.reader() as reader:
        site.write_bytes(TopicName.EVENTS, encode(event("ahead")), timestamp_ms=tomorrow_ms)
        site.write([event("now")])
        arrivals = reader.wait_for(2)

    ahead, now = arrivals.messages
    assert abs(ahead.timestamp()[1] - time.time() * 1000) < 60_000
    assert (SourceHeader.ORIGINAL_TIMESTAMP, str(tomorrow_ms).encode()) in headers_of(ahead)
    assert SourceHeader.ORIGINAL_TIMESTAMP not in dict(headers_of(now))


def test_replayed_events_are_dropped_and_the_next_record_says_so(site: BridgedSite) -> None:
    first = [event(f"e{n}") for n in range(10)]

    with site.bridge() as bridge, site.reader() as reader:
        written = site.write(first)
        reader.wait_for(10)
        site.write(first[3:])
        written += site.write([event("next"), event("e3", revision=2)])
        arrivals = reader.wait_until_quiet(12)
        repeats = bridge.metric("watchpost_bridge_dropped_repeats_total")

    assert arrivals.values == Counter(written)
    arrivals.assert_gapless()
    (told,) = (header for header in arrivals.headers() if SourceHeader.DROPPED_REPEATS in header)
    assert told[SourceHeader.DROPPED_REPEATS] == f"{told[SourceHeader.PARTITION]}:10-16"
    assert repeats == 7


def test_bridge_that_starts_again_still_knows_what_it_brought(site: BridgedSite) -> None:
    with site.bridge(), site.reader() as reader:
        written = site.write(event(f"e{n}") for n in range(10))
        reader.wait_for(10)
    site.write(event(f"e{n}") for n in range(5, 10))

    with site.bridge(), site.reader() as reader:
        written += site.write([event("next")])
        arrivals = reader.wait_until_quiet(11)

    # the events differ in their times, as a careless replay would: their ids and revisions make them the same
    assert arrivals.values == Counter(written)
    arrivals.assert_gapless()


def test_backlog_of_thumbnails_does_not_delay_events(site: BridgedSite) -> None:
    # a transaction for each: however fast the machine, the backlog lasts longer than an event's way
    site.options = {"bridge": {"transaction_max_records": 1}}
    site.write(thumbnail(f"t{n}", jpeg_bytes=50_000) for n in range(_BACKLOG))

    with site.bridge() as bridge, site.reader() as events, site.reader(TopicName.THUMBNAILS) as thumbnails:
        wait_for(thumbnails.look, lambda seen: len(seen.messages) > 0, within_s=25)
        started_s = time.monotonic()
        site.write([event("e1")])
        events.wait_for(1)
        took_s = time.monotonic() - started_s
        left = _BACKLOG - len(thumbnails.look().messages)
        thumbnails.wait_for(_BACKLOG)
        bridge.wait_until_ready()

    assert left > 0, "the backlog was over before it could be in the way"
    assert took_s < 2


def test_cap_of_the_link_is_kept(site: BridgedSite) -> None:
    # 100 kB a second: after the first transaction (two seconds of it) a million bytes are left
    site.options = {"bandwidth": {"max_kbps": 800}}
    site.write(thumbnail(f"t{n}", jpeg_bytes=20_000) for n in range(60))

    with site.bridge() as bridge, site.reader(TopicName.THUMBNAILS) as thumbnails:
        wait_for(thumbnails.look, lambda seen: len(seen.messages) > 0, within_s=25)
        began_s = time.monotonic()
        thumbnails.wait_for(60, within_s=60)
        took_s = time.monotonic() - began_s
        bridge.wait_until_ready()

    # only a lower bound: a busy machine takes longer, and sees the first one later than it came
    assert took_s > 6


def test_schema_of_each_record_is_at_the_centre_before_the_record(site: BridgedSite) -> None:
    with site.bridge(), site.reader() as reader:
        (written,) = site.write([event("e1")])
        reader.wait_for(1)

    client = {"bootstrap.servers": site.central_bootstrap}
    schemas = {
        (key_of(message) or b"").decode(): (value_of(message) or b"").decode()
        for message in read_to_end(client, Cluster(client, "central"), TopicName.SCHEMAS)
    }
    assert schemas[fingerprint_in(written)] == shipped_schemas().latest("EventChanged").text


def test_unknown_fingerprint_holds_its_partition_until_the_schema_is_known(site: BridgedSite) -> None:
    newer = (
        shipped_schemas()
        .latest("EventChanged")
        .text.replace('"fields": [', '"fields": [{"name": "mood", "type": "string", "default": ""},', 1)
    )
    held = encoded_with(newer, event("held"))

    with site.bridge() as bridge, site.reader() as reader:
        site.write([event("before")])
        reader.wait_for(1)
        site.write_bytes(TopicName.EVENTS, held)
        site.write([event("behind"), *(event(f"other{n}", f"camera-{n}") for n in range(8))])
        waits = wait_for(bridge.waits_for, lambda waits: "events" in waits, within_s=10)
        others = len({partition_of(f"camera-{n}") for n in range(8)} - {partition_of("door")})
        seen = reader.wait_until_quiet(1 + others)
        held_back = held not in seen.values
        publish_schema(site, newer)
        arrivals = reader.wait_until_quiet(11, within_s=20)
        bridge.wait_until_ready()

    assert held_back
    assert fingerprint_in(held) in waits["events"]
    assert arrivals.values[held] == 1
    arrivals.assert_gapless()


def test_damaged_record_is_held_and_said_never_buried(site: BridgedSite) -> None:
    with site.bridge() as bridge, site.reader() as reader:
        site.write_bytes(TopicName.EVENTS, b"no record at all")
        waits = wait_for(bridge.waits_for, lambda waits: "single-object" in waits.get("events", ""), within_s=25)
        arrivals = reader.look()

    assert "offset 0" in waits["events"]
    assert not arrivals.messages


def test_missing_central_topics_are_said_with_the_remedy(site: BridgedSite) -> None:
    delete_topics(site.central_bootstrap, [TopicName.CHECKPOINTS.of(site.name)])

    with site.bridge() as bridge:
        waits = wait_for(bridge.waits_for, lambda waits: "topics apply" in waits.get("events", ""), within_s=60)
        site.make_central_topics()
        bridge.wait_until_ready(within_s=60)

    assert TopicName.CHECKPOINTS.of(site.name) in waits["events"]
