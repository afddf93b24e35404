"""Site logs that do not go on where the checkpoint says: each break is told at the centre, none passed in silence."""

import json
import shutil
import struct
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient

from tests.fakes.arrivals import Arrivals
from tests.fakes.audited import assert_explained
from tests.fakes.bridged_site import BridgedSite, event, partition_of
from tests.waiting import wait_for
from watchpost.bridge import SourceHeader, adopt
from watchpost.contracts import TopicName, decode
from watchpost.contracts.records import EventChanged, EventType
from watchpost.stream import headers_of, value_of
from watchpost.stream.embedded import EmbeddedKafka

pytestmark = pytest.mark.kafka

DOOR = partition_of("door")


@pytest.fixture
def site(site_broker: EmbeddedKafka, embedded_broker: EmbeddedKafka, tmp_path: Path) -> BridgedSite:
    return BridgedSite(site_broker.bootstrap, embedded_broker.bootstrap, tmp_path)


def events(prefix: str, count: int) -> list[EventChanged]:
    return [event(f"{prefix}{number}") for number in range(count)]


def gaps_in(arrivals: Arrivals) -> list[EventChanged]:
    records = [decode(value_of(message) or b"", EventChanged) for message in arrivals.messages]
    return [record for record in records if record.type == EventType.DELIVERY_GAP]


def details_of(gaps: Sequence[EventChanged]) -> list[dict[str, object]]:
    return [json.loads(gap.detail or "") for gap in gaps]


def carried(arrivals: Arrivals) -> Counter[bytes]:
    """What arrived from the site's log, the bridge's own events aside."""
    return Counter(
        value_of(message) or b"" for message in arrivals.messages if SourceHeader.OFFSET in dict(headers_of(message))
    )


def delete_before(site: BridgedSite, offset: int) -> None:
    """What retention does, at once."""
    admin = AdminClient({"bootstrap.servers": site.site_bootstrap})
    for outcome in admin.delete_records([TopicPartition(TopicName.EVENTS, DOOR, offset)]).values():
        outcome.result()


def cut(broker: EmbeddedKafka, folder: Path, kept_batches: int) -> None:
    """Take the end of the door's log away, as a disk does that a power cut caught with unwritten pages."""
    broker.kill()
    log = folder / "kafka" / f"{TopicName.EVENTS}-{DOOR}" / "00000000000000000000.log"
    content = log.read_bytes()
    end = 0
    for _ in range(kept_batches):
        (length,) = struct.unpack_from(">i", content, end + 8)  # after the batch's base offset
        end += 12 + length
    assert end < len(content)
    with log.open("r+b") as file:
        file.truncate(end)
    broker.start()


@contextmanager
def restored_afterwards(broker: EmbeddedKafka) -> Iterator[None]:
    """Copy the broker's disk, and put the copy back when the block is over."""
    copy = broker.data_dir.with_name("older-disk")
    broker.stop()
    shutil.copytree(broker.data_dir, copy)
    broker.start()
    yield
    broker.stop()
    shutil.rmtree(broker.data_dir)
    shutil.move(copy, broker.data_dir)
    broker.start()


def test_topic_made_anew_begins_a_new_epoch_that_is_told(site: BridgedSite) -> None:
    with site.bridge(), site.reader() as reader:
        written = site.write(events("old", 5))
        reader.wait_for(5)
        site.remake_site_topics()
        written += site.write(events("new", 8))
        arrivals = reader.wait_until_quiet(14)

    (gap,) = details_of(gaps_in(arrivals))
    assert carried(arrivals) == Counter(written)
    assert (gap["cause"], gap["partition"], gap["next_offset"], gap["then_epoch"]) == ("remade", DOOR, 5, 1)
    assert sorted((epoch, offsets) for (_, epoch, _), offsets in arrivals.offsets().items()) == [
        (0, list(range(5))),
        (1, list(range(8))),
    ]
    assert_explained(site, "remade")


def test_topic_made_anew_while_no_bridge_ran_is_told_too(site: BridgedSite) -> None:
    with site.bridge(), site.reader() as reader:
        written = site.write(events("old", 5))
        reader.wait_for(5)
    site.remake_site_topics()
    # more records than before: an offset alone would not show it
    written += site.write(events("new", 8))

    with site.bridge(), site.reader() as reader:
        arrivals = reader.wait_until_quiet(14)

    assert [gap["cause"] for gap in details_of(gaps_in(arrivals))] == ["remade"]
    assert carried(arrivals) == Counter(written)
    assert_explained(site, "remade")


def test_records_lost_to_retention_become_a_delivery_gap_with_their_offsets(site: BridgedSite) -> None:
    with site.bridge(), site.reader() as reader:
        written = site.write(events("before", 5))
        reader.wait_for(5)
    site.write(events("lost", 7))
    delete_before(site, 12)
    written += site.write(events("after", 3))

    with site.bridge() as bridge, site.reader() as reader:
        arrivals = reader.wait_until_quiet(9)
        lost = bridge.metric('watchpost_bridge_lost_records_total{producer="events"}')
    with site.bridge(), site.reader() as reader:
        again = reader.wait_until_quiet(9)

    (gap,) = details_of(gaps_in(arrivals))
    assert carried(arrivals) == Counter(written)
    assert (gap["cause"], gap["next_offset"], gap["then_offset"], gap["lost_records"]) == ("retention", 5, 12, 7)
    assert lost == 7
    # told once, and with it the offsets are gapless
    assert again.values == arrivals.values
    arrivals.assert_gapless()
    assert_explained(site, "retention")


def test_retention_that_overtakes_a_running_bridge_is_told(
    site_broker: EmbeddedKafka, fresh_broker: Callable[[], EmbeddedKafka], tmp_path: Path
) -> None:
    central = fresh_broker()
    site = BridgedSite(site_broker.bootstrap, central.bootstrap, tmp_path)
    with site.bridge() as bridge:
        with site.reader() as reader:
            site.write(events("before", 5))
            reader.wait_for(5)
        central.kill()
        # more than the bridge holds in memory
        site.write([event(f"lost{number}-" + "x" * 20_000) for number in range(400)])
        # 10 s after the transaction began: what the client then holds is too old to be sent
        wait_for(bridge.waits_for, lambda waits: "events" in waits, within_s=60)
        delete_before(site, 405)
        after = set(site.write(events("after", 3)))
        central.start()
        with site.reader() as reader:
            arrivals = wait_for(reader.look, lambda seen: after <= set(seen.values))

    arrivals.assert_gapless()
    assert [gap["cause"] for gap in details_of(gaps_in(arrivals))] == ["retention"]
    assert_explained(site, "retention")


@pytest.mark.parametrize("bridge_runs_meanwhile", [True, False])
def test_log_that_lost_its_end_opens_an_epoch_where_it_was_cut(
    embedded_broker: EmbeddedKafka,
    fresh_broker: Callable[[], EmbeddedKafka],
    tmp_path: Path,
    *,
    bridge_runs_meanwhile: bool,
) -> None:
    broker = fresh_broker()
    site = BridgedSite(broker.bootstrap, embedded_broker.bootstrap, tmp_path)
    bridge = site.bridge()
    with site.reader() as reader:
        written = site.write(events("kept", 6))
        written += site.write(events("cut", 4))
        reader.wait_for(10)
        if not bridge_runs_meanwhile:
            bridge.__exit__(None, None, None)
        cut(broker, tmp_path / "kafka-0", kept_batches=1)
        # past the checkpoint: the log is not shorter any more
        written += site.write(events("new", 9))
        with bridge if bridge_runs_meanwhile else site.bridge():
            arrivals = reader.wait_until_quiet(20)

    (gap,) = details_of(gaps_in(arrivals))
    assert carried(arrivals) == Counter(written)
    assert (gap["cause"], gap["next_offset"], gap["then_epoch"], gap["then_offset"]) == ("cut", 10, 1, 6)
    assert sorted((epoch, offsets) for (_, epoch, _), offsets in arrivals.offsets().items()) == [
        (0, list(range(10))),
        (1, list(range(6, 15))),
    ]
    assert_explained(site, "cut")


@pytest.mark.parametrize("bridge_runs_meanwhile", [True, False])
def test_older_disk_put_back_opens_an_epoch_and_loses_nothing_that_is_new(
    embedded_broker: EmbeddedKafka,
    fresh_broker: Callable[[], EmbeddedKafka],
    tmp_path: Path,
    *,
    bridge_runs_meanwhile: bool,
) -> None:
    broker = fresh_broker()
    site = BridgedSite(broker.bootstrap, embedded_broker.bootstrap, tmp_path)
    bridge = site.bridge()
    with site.reader() as reader:
        written = site.write(events("kept", 6))
        reader.wait_for(6)
        with restored_afterwards(broker):
            written += site.write(events("gone", 4))
            reader.wait_for(10)
            if not bridge_runs_meanwhile:
                bridge.__exit__(None, None, None)
        # past the checkpoint, and by a leader of the same epoch: neither shows that these are others
        written += site.write(events("new", 9))
        with bridge if bridge_runs_meanwhile else site.bridge():
            arrivals = reader.wait_until_quiet(20, within_s=40)

    (gap,) = details_of(gaps_in(arrivals))
    assert carried(arrivals) == Counter(written)
    assert (gap["cause"], gap["next_offset"], gap["then_epoch"], gap["then_offset"]) == ("cut", 10, 1, 6)
    assert_explained(site, "cut")


def test_another_cluster_is_refused_until_it_is_adopted(
    site: BridgedSite, fresh_broker: Callable[[], EmbeddedKafka], tmp_path: Path
) -> None:
    with site.bridge(), site.reader() as reader:
        written = site.write(events("first", 5))
        reader.wait_for(5)
    (tmp_path / "replaced").mkdir()
    replaced = BridgedSite(fresh_broker().bootstrap, site.central_bootstrap, tmp_path / "replaced", name=site.name)

    with replaced.bridge() as bridge, replaced.reader() as reader:
        written += replaced.write(events("second", 5))
        waits = wait_for(bridge.waits_for, lambda waits: "watchpost bridge adopt" in waits.get("events", ""))
        refused = len(reader.wait_until_quiet(5).messages)
        told = adopt(replaced.settings())
        arrivals = reader.wait_until_quiet(11)
        bridge.wait_until_ready()

    assert "cluster" in waits["events"]
    assert refused == 5
    assert "takes the place of" in told
    assert [gap["cause"] for gap in details_of(gaps_in(arrivals))] == ["remade"]
    assert carried(arrivals) == Counter(written)
    assert_explained(replaced, "remade")


def test_refused_machine_does_not_disturb_the_one_that_has_the_name(
    site: BridgedSite, fresh_broker: Callable[[], EmbeddedKafka], tmp_path: Path
) -> None:
    (tmp_path / "twin").mkdir()
    with site.bridge() as real, site.reader() as reader:
        written = site.write(events("first", 5))
        reader.wait_for(5)
        twin = BridgedSite(fresh_broker().bootstrap, site.central_bootstrap, tmp_path / "twin", name=site.name)
        with twin.bridge() as refused:
            wait_for(refused.waits_for, lambda waits: "watchpost bridge adopt" in waits.get("events", ""))
            written += site.write(events("second", 5))
            arrivals = reader.wait_until_quiet(10)
        log = real.log.read_text()

    assert arrivals.values == Counter(written)
    assert "fenced" not in log
    assert_explained(site)
