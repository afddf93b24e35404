"""`watchpost audit` at a centre that a real bridge wrote to, and where somebody forged, removed or repeated records."""

import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from typer.testing import CliRunner, Result

from tests.fakes.arrivals import Arrivals
from tests.fakes.bridged_site import BridgedSite, event, partition_of, thumbnail
from tests.fakes.forged_site import ForgedSite, of_offset
from watchpost.cli import app
from watchpost.contracts import SourceHeader, TopicName, encode, to_confluent
from watchpost.stream import headers_of, value_of
from watchpost.stream.embedded import EmbeddedKafka

pytestmark = pytest.mark.kafka

DOOR = partition_of("door")
EPOCH, OFFSET = SourceHeader.EPOCH, SourceHeader.OFFSET


@pytest.fixture
def site(site_broker: EmbeddedKafka, embedded_broker: EmbeddedKafka, tmp_path: Path) -> BridgedSite:
    return BridgedSite(site_broker.bootstrap, embedded_broker.bootstrap, tmp_path)


@dataclass(frozen=True)
class Audit:
    """What the command answered: its exit code, and the topics of the site."""

    code: int
    said: str
    report: Mapping[str, Any]

    def topic(self, site: BridgedSite | ForgedSite, topic: TopicName = TopicName.EVENTS) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.report["sites"][site.name][topic]
        return found

    def faults(self, site: BridgedSite | ForgedSite, topic: TopicName = TopicName.EVENTS) -> str:
        return "\n".join(self.topic(site, topic)["faults"])


def command(*options: str) -> Result:
    """The command line in this process: a new one takes seconds to start on a busy machine."""
    return CliRunner().invoke(app, ["audit", *options])


def audited(site: BridgedSite | ForgedSite, *options: str) -> Audit:
    bootstrap = site.bootstrap if isinstance(site, ForgedSite) else site.central_bootstrap
    ended = command("--central", bootstrap, "--site", site.name, "--json", *options)
    assert ended.exit_code in {0, 1}, ended.stderr
    return Audit(ended.exit_code, ended.stdout, json.loads(ended.stdout))


def carried(site: BridgedSite, records: Sequence[Any], count: int | None = None) -> Arrivals:
    """What is at the centre after a bridge carried `records`."""
    with site.bridge(), site.reader() as reader:
        site.write(records)
        return reader.wait_for(len(records) if count is None else count)


def delete_before(bootstrap: str, offset: int, partition: int = DOOR) -> None:
    """What retention does, at once."""
    admin = AdminClient({"bootstrap.servers": bootstrap})
    for outcome in admin.delete_records([TopicPartition(TopicName.EVENTS, partition, offset)]).values():
        outcome.result()


def of_offset_in(arrivals: Arrivals, epoch: int, offset: int) -> Message:
    return of_offset(Arrivals([each for each in arrivals.messages if _epoch_of(each) == epoch]), offset)


def _epoch_of(message: Message) -> int:
    return int(dict(headers_of(message))[EPOCH])


@pytest.fixture(scope="module")
def brought_site(
    site_broker: EmbeddedKafka, embedded_broker: EmbeddedKafka, tmp_path_factory: pytest.TempPathFactory
) -> tuple[BridgedSite, Arrivals]:
    """What a real bridge made of ten events of one camera."""
    site = BridgedSite(site_broker.bootstrap, embedded_broker.bootstrap, tmp_path_factory.mktemp("brought"))
    return site, carried(site, events("e", 10))


@pytest.fixture
def brought(brought_site: tuple[BridgedSite, Arrivals]) -> Arrivals:
    return brought_site[1]


@pytest.fixture
def forged(brought_site: tuple[BridgedSite, Arrivals]) -> ForgedSite:
    """A site that counts what the real one brought, and of which nothing is there yet."""
    site = ForgedSite(brought_site[0].central_bootstrap)
    site.copy_checkpoints(brought_site[0].name)
    return site


def events(prefix: str, count: int, camera: str = "door") -> list[Any]:
    return [event(f"{prefix}{number}", camera) for number in range(count)]


def test_centre_that_a_bridge_filled_is_accounted_for_with_delays(site: BridgedSite) -> None:
    records = [event(f"e{number}", ("door", "yard", "hall")[number % 3]) for number in range(300)]
    with site.bridge(), site.reader() as reader, site.reader(TopicName.THUMBNAILS) as pictures:
        site.write([*records, *(thumbnail(f"t{number}", jpeg_bytes=900) for number in range(20))])
        reader.wait_for(300)
        pictures.wait_for(20)
        # it reads while the bridge is at work
        found = audited(site)
    text = command("--central", site.central_bootstrap, "--site", site.name)

    of_events, of_thumbnails = found.topic(site), found.topic(site, TopicName.THUMBNAILS)
    assert (found.code, text.exit_code) == (0, 0), found.said
    assert (of_events["records"], of_events["missing_records"], of_events["repeated_records"]) == (300, 0, 0)
    assert (of_thumbnails["records"], of_thumbnails["missing_records"]) == (20, 0)
    assert of_events["delay"]["records"] == 300
    assert 0 <= of_events["delay"]["p50_ms"] <= of_events["delay"]["max_ms"]
    assert text.stdout.splitlines()[-1].startswith("everything is accounted for: 320 records")
    assert "source partition" not in text.stdout


def test_record_missing_in_the_middle_is_told_with_its_offset(brought: Arrivals, forged: ForgedSite) -> None:
    forged.copy(each for each in brought.messages if each is not of_offset(brought, 4))

    found = audited(forged)

    assert found.code == 1
    assert found.topic(forged)["missing_records"] == 1
    assert "1 records are missing: offsets 4" in found.faults(forged)


def test_records_missing_at_the_end_are_told_by_the_checkpoint(brought: Arrivals, forged: ForgedSite) -> None:
    forged.copy(brought.messages[:-2])

    found = audited(forged)

    assert (found.code, found.topic(forged)["missing_records"]) == (1, 2)
    assert "offsets 8 to 9" in found.faults(forged)


def test_all_records_missing_are_told_by_the_checkpoint(forged: ForgedSite) -> None:
    found = audited(forged)

    assert (found.code, found.topic(forged)["missing_records"]) == (1, 10)


def test_record_that_is_there_twice_is_told(brought: Arrivals, forged: ForgedSite) -> None:
    forged.copy([*brought.messages, brought.messages[-1]])

    found = audited(forged)

    assert found.code == 1
    assert (found.topic(forged)["repeated_records"], found.topic(forged)["out_of_order"]) == (1, 0)
    assert "1 offsets are there twice" in found.faults(forged)
    assert any("one record stands at the centre in" in each for each in found.topic(forged)["examples"])


def test_same_event_from_another_offset_is_told(brought: Arrivals, forged: ForgedSite) -> None:
    forged.copy(brought.messages[:-1])
    forged.copy([brought.messages[0]], {SourceHeader.OFFSET: b"9"})

    found = audited(forged)

    assert found.code == 1
    assert found.faults(forged) == "1 records are there twice"


def test_events_in_another_order_than_the_camera_s_are_told(brought: Arrivals, forged: ForgedSite) -> None:
    forged.copy([*brought.messages[:3], brought.messages[4], brought.messages[3], *brought.messages[5:]])

    found = audited(forged)

    assert found.code == 1
    assert found.faults(forged) == "1 events stand behind a later one of their camera"


def test_records_beyond_the_checkpoint_are_another_writer_s(brought: Arrivals, forged: ForgedSite) -> None:
    forged.copy(brought.messages)
    forged.write(brought.messages[0], encode(event("forged")), dict(headers_of(brought.messages[0])) | {OFFSET: b"10"})

    found = audited(forged)

    assert found.code == 1
    assert "the checkpoint counts up to offset 9, but offsets 10 are there" in found.faults(forged)


def test_record_without_an_origin_is_no_bridge_s(brought: Arrivals, forged: ForgedSite) -> None:
    forged.copy(brought.messages)
    forged.write(brought.messages[0], encode(event("forged")), {})

    found = audited(forged)

    assert (found.code, found.topic(forged)["foreign"]) == (1, 1)
    assert "1 records that no bridge wrote" in found.faults(forged)


def test_epoch_that_nothing_announced_is_told(brought: Arrivals, forged: ForgedSite) -> None:
    forged.copy(brought.messages)
    forged.write(
        brought.messages[0],
        encode(event("forged")),
        dict(headers_of(brought.messages[0])) | {EPOCH: b"1", OFFSET: b"0"},
    )

    found = audited(forged)

    assert found.code == 1
    assert "epoch 1: epoch 1 begins, and no delivery_gap tells of it" in found.faults(forged)


def test_records_in_confluent_s_format_are_read_as_well(brought: Arrivals, forged: ForgedSite) -> None:
    for message in brought.messages:
        forged.write(message, to_confluent(value_of(message) or b"", 7), dict(headers_of(message)))
    forged.write(brought.messages[0], b"\0\0\0\0\x07damaged", dict(headers_of(brought.messages[0])))

    found = audited(forged)

    assert (found.topic(forged)["unreadable"], found.topic(forged)["repeated_records"]) == (1, 0)
    assert found.topic(forged)["delay"]["records"] == 10
    assert "1 records cannot be read" in found.faults(forged)


def test_transaction_that_is_open_is_waited_for_and_what_was_aborted_does_not_count(
    brought: Arrivals, forged: ForgedSite
) -> None:
    forged.copy(brought.messages)
    producer = Producer(
        {"bootstrap.servers": forged.bootstrap, "transactional.id": forged.name, "transaction.timeout.ms": 3000}
    )
    producer.init_transactions(20)
    producer.begin_transaction()
    producer.produce(TopicName.EVENTS, b"never committed", f"{forged.name}/door".encode())
    assert producer.flush(20) == 0

    found = audited(forged)

    assert (found.code, found.topic(forged)["records"]) == (0, 10)


def test_gap_that_retention_made_is_explained_by_its_announcement(site: BridgedSite) -> None:
    carried(site, events("before", 5))
    site.write(events("lost", 7))
    delete_before(site.site_bootstrap, 12)
    carried(site, events("after", 3), count=9)

    found = audited(site)

    (partition,) = found.topic(site)["partitions"]
    assert (found.code, found.topic(site)["missing_records"]) == (0, 0)
    assert partition["announced"] == [{"cause": "retention", "lost": [5, 12]}]
    assert "1 gaps, each announced" in found.report["verdict"]


def test_gap_whose_announcement_is_missing_is_unexplained(site: BridgedSite) -> None:
    carried(site, events("before", 5))
    site.write(events("lost", 7))
    delete_before(site.site_bootstrap, 12)
    arrivals = carried(site, events("after", 3), count=9)
    silent = ForgedSite(site.central_bootstrap)
    silent.copy_checkpoints(site.name)
    silent.copy(each for each in arrivals.messages if SourceHeader.OFFSET in dict(headers_of(each)))

    found = audited(silent)

    assert (found.code, found.topic(silent)["missing_records"]) == (1, 7)
    assert "offsets 5 to 11" in found.faults(silent)


def test_topic_made_anew_is_two_epochs_that_each_end_where_they_were_announced(site: BridgedSite) -> None:
    carried(site, events("old", 5))
    site.remake_site_topics()
    arrivals = carried(site, events("new", 8), count=14)
    cut_short = ForgedSite(site.central_bootstrap)
    cut_short.copy_checkpoints(site.name)
    first_epoch = [each for each in arrivals.messages if dict(headers_of(each))[SourceHeader.EPOCH] == b"0"]
    later = [each for each in arrivals.messages if each not in first_epoch and each is not of_offset_in(arrivals, 1, 0)]
    cut_short.copy([*first_epoch[:-1], *later])

    found, lying = audited(site), audited(cut_short)

    assert (found.code, [each["epoch"] for each in found.topic(site)["partitions"]]) == (0, [0, 1])
    assert lying.code == 1
    assert "epoch 0: 1 records are missing: offsets 4" in lying.faults(cut_short)
    assert "epoch 1: 1 records are missing: offsets 0" in lying.faults(cut_short)


def test_dropped_repeats_are_accounted_for_by_the_record_that_names_them(site: BridgedSite) -> None:
    first = events("e", 10)
    carried(site, first)
    site.write(first[3:])
    carried(site, [event("next")], count=11)

    found = audited(site)

    assert (found.code, found.topic(site)["missing_records"], found.topic(site)["dropped"]) == (0, 0, 7)


def test_what_the_centre_deleted_itself_is_no_fault_and_what_came_after_is_judged(
    site_broker: EmbeddedKafka, fresh_broker: Callable[[], EmbeddedKafka], tmp_path: Path
) -> None:
    site = BridgedSite(site_broker.bootstrap, fresh_broker().bootstrap, tmp_path)
    arrivals = carried(site, events("e", 20))
    partition = arrivals.messages[0].partition() or 0
    delete_before(site.central_bootstrap, (arrivals.messages[6].offset() or 0), partition)

    found = audited(site)
    judged = found.topic(site)["partitions"][0]

    assert (found.code, found.topic(site)["records"]) == (0, 14)
    assert (judged["first_offset"], judged["judged_from"]) == (6, 6)


def test_since_leaves_out_what_happened_before(site: BridgedSite) -> None:
    carried(site, events("e", 5))

    found = audited(site, "--since", "1h")
    later = audited(site, "--since", "2100-01-01")

    assert (found.code, found.topic(site)["records"]) == (0, 5)
    assert (later.code, later.topic(site)["records"]) == (0, 0)


@pytest.mark.parametrize(
    ("options", "code", "says"),
    [
        ((), 2, "write --central HOST:PORT"),
        (("--central", "127.0.0.1:1"), 3, "is the broker running"),
        (("--central", "127.0.0.1:1", "--since", "soon"), 2, "write 36h"),
        (("--config", "/nowhere.yaml"), 2, "nowhere.yaml"),
        (("--topic", "clips"), 2, "clips"),
    ],
)
def test_exit_code_tells_bad_input_from_a_centre_that_is_away(options: tuple[str, ...], code: int, says: str) -> None:
    ended = command(*options)

    assert (ended.exit_code, says in ended.stderr) == (code, True), ended.stderr
    assert "Traceback" not in ended.stderr


def test_audit_s_exit_code_is_the_process_s(forged: ForgedSite) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "watchpost", "audit", "--central", forged.bootstrap, "--site", forged.name],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    assert ended.returncode == 1, ended.stderr
    assert ended.stdout.splitlines()[-1].startswith(f"NOT explained: {forged.name}")


def test_site_that_the_centre_does_not_know_is_bad_input(embedded_broker: EmbeddedKafka, forged: ForgedSite) -> None:
    ended = command("--central", embedded_broker.bootstrap, "--site", "nobody")

    assert ended.exit_code == 2
    assert forged.name in ended.stderr


def test_table_shows_the_partition_that_is_wrong_and_a_verdict(brought: Arrivals, forged: ForgedSite) -> None:
    forged.copy(each for each in brought.messages if each is not of_offset(brought, 4))

    ended = command("--central", forged.bootstrap, "--site", forged.name, "--topic", "events")

    assert ended.exit_code == 1
    assert f"source partition {DOOR}, epoch 0: 1 records are missing: offsets 4" in ended.stdout
    assert ended.stdout.splitlines()[-1].startswith(f"NOT explained: {forged.name}")
