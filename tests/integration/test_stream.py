"""Typed records through a real broker, embedded and in a container: consumer, producer, dead letters, warm-up."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.fakes.brokers import Broker, create_topic, produce, read_all, unique
from tests.waiting import wait_for
from watchpost.contracts import encode
from watchpost.contracts.records import CameraId, Command, CommandKind, SiteId
from watchpost.errors import WatchpostError
from watchpost.stream import (
    DeadLetters,
    Received,
    RecordConsumer,
    RecordProducer,
    client_config,
    headers_of,
    read_dead_letters,
    replay_dead_letters,
)

pytestmark = pytest.mark.kafka

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def command(number: int, camera: str = "door") -> Command:
    return Command(f"c{number}", SiteId("s"), CameraId(camera), CommandKind.BURST, NOW, NOW, 1, 1, None, "test")


@pytest.fixture
def client(broker: Broker) -> dict[str, Any]:
    return client_config(broker.bootstrap, {}, "test")


@pytest.fixture
def topic(broker: Broker) -> str:
    """A topic of commands with its dead letters."""
    name = create_topic(broker.bootstrap, unique("commands"), partitions=2)
    create_topic(broker.bootstrap, f"{name}.dlq")
    return name


@pytest.fixture
def consumer(client: dict[str, Any], topic: str) -> Iterator[Callable[..., RecordConsumer[Command]]]:
    """Opens consumers of `topic`; they close with the test."""
    opened = []
    group = unique("group")

    def open_consumer(**options: Any) -> RecordConsumer[Command]:
        limit = options.pop("limit", 100)
        options = {"group": group, **options}
        letters = DeadLetters(RecordProducer(client), "test", limit=limit)
        found = RecordConsumer[Command](client, topics={topic: Command}, dead_letters=letters, **options)
        opened.append(found)
        return found

    yield open_consumer
    for found in opened:
        found.__exit__(None, None, None)


def take(source: RecordConsumer[Command], count: int) -> list[Received[Command]]:
    """Take until `count` records came."""
    taken: list[Received[Command]] = []

    def look() -> list[Received[Command]]:
        taken.extend(source.take(count, 50))
        return taken

    return wait_for(look, lambda seen: len(seen) >= count, within_s=30)


def names(taken: list[Received[Command]]) -> list[str]:
    return [received.record.command_id for received in taken if received.record is not None]


def test_sent_record_is_taken_with_its_key_and_headers(
    client: dict[str, Any], topic: str, consumer: Callable[..., RecordConsumer[Command]]
) -> None:
    producer = RecordProducer(client)
    producer.send(topic, command(1), key="door", headers=[("origin", b"test")])
    producer.flush()

    (received,) = take(consumer(), 1)

    assert received.record == command(1)
    assert (received.key, received.headers) == ("door", (("origin", b"test"),))


def test_only_what_was_committed_is_not_taken_again(
    client: dict[str, Any], topic: str, consumer: Callable[..., RecordConsumer[Command]]
) -> None:
    producer = RecordProducer(client)
    for number in range(4):
        producer.send(topic, command(number), key="door")
    producer.flush()
    first = consumer()
    assert names(take(first, 2)) == ["c0", "c1"]
    first.commit()
    assert names(take(first, 2)) == ["c2", "c3"]
    first.__exit__(None, None, None)

    assert names(take(consumer(), 2)) == ["c2", "c3"]


def test_warm_up_shows_again_what_was_committed_and_says_so(
    client: dict[str, Any], topic: str, consumer: Callable[..., RecordConsumer[Command]]
) -> None:
    producer = RecordProducer(client)
    producer.send(topic, command(0), key="door")
    producer.flush()
    first = consumer()
    take(first, 1)
    first.commit()
    first.__exit__(None, None, None)
    producer.send(topic, command(1), key="door")
    producer.flush()

    again = take(consumer(warm_up=timedelta(minutes=1)), 2)

    assert [(received.record and received.record.command_id, received.warm_up) for received in again] == [
        ("c0", True),
        ("c1", False),
    ]


def test_unreadable_record_is_buried_with_its_reason_and_the_next_is_taken(
    broker: Broker, client: dict[str, Any], topic: str, consumer: Callable[..., RecordConsumer[Command]]
) -> None:
    produce(broker.bootstrap, topic, [b"garbage"], key=b"door")
    produce(broker.bootstrap, topic, [encode(command(1))[:-3], encode(command(2))], key=b"door")

    assert names(take(consumer(), 1)) == ["c2"]

    garbage, truncated = read_dead_letters(client, topic)
    assert (garbage.value, garbage.key, garbage.service) == (b"garbage", b"door", "test")
    assert "expected Avro single-object encoding" in garbage.reason
    assert (truncated.source_topic, truncated.source_offset) == (topic, garbage.source_offset + 1)


def test_dead_letter_is_replayed_once_as_it_was(
    broker: Broker, client: dict[str, Any], topic: str, consumer: Callable[..., RecordConsumer[Command]]
) -> None:
    produce(broker.bootstrap, topic, [b"garbage", encode(command(1))], key=b"door")
    take(consumer(), 1)

    assert replay_dead_letters(client, topic, RecordProducer(client)) == 1
    assert replay_dead_letters(client, topic, RecordProducer(client)) == 0

    found = [
        (message.value(), message.key(), headers_of(message)) for message in read_all(broker.bootstrap, topic, count=3)
    ]
    assert found.count((b"garbage", b"door", [])) == 2


def test_too_many_unreadable_records_in_a_row_stop_the_reader_uncommitted(
    broker: Broker, topic: str, consumer: Callable[..., RecordConsumer[Command]]
) -> None:
    produce(broker.bootstrap, topic, [b"garbage"] * 4, key=b"door")
    reader = consumer(limit=3)

    with pytest.raises(WatchpostError, match="3 records in a row"):
        take(reader, 1)


def test_tombstone_is_taken_as_none(
    client: dict[str, Any], topic: str, consumer: Callable[..., RecordConsumer[Command]]
) -> None:
    producer = RecordProducer(client)
    producer.send_bytes(topic, None, key=b"door")
    producer.flush()

    (received,) = take(consumer(), 1)

    assert (received.record, received.key) == (None, "door")


def test_compacted_truth_is_read_from_its_beginning_at_each_assignment(
    client: dict[str, Any], topic: str, consumer: Callable[..., RecordConsumer[Command]]
) -> None:
    producer = RecordProducer(client)
    producer.send(topic, command(0), key="door")
    producer.flush()
    first = consumer(from_beginning=frozenset({topic}))
    take(first, 1)
    first.commit()
    first.__exit__(None, None, None)

    assert names(take(consumer(from_beginning=frozenset({topic})), 1)) == ["c0"]


def test_camera_stays_in_one_partition(client: dict[str, Any], broker: Broker, topic: str) -> None:
    producer = RecordProducer(client)
    for number in range(20):
        producer.send(topic, replace(command(number), camera=CameraId(f"cam{number % 5}")), key=f"cam{number % 5}")
    producer.flush()

    homes: dict[bytes | None, set[int | None]] = {}
    for message in read_all(broker.bootstrap, topic, count=20):
        homes.setdefault(message.key(), set()).add(message.partition())

    assert all(len(partitions) == 1 for partitions in homes.values())


def test_commit_stops_before_what_is_unanswered_and_goes_on_once_it_is_answered(
    client: dict[str, Any], topic: str, consumer: Callable[..., RecordConsumer[Command]]
) -> None:
    producer = RecordProducer(client)
    for number in range(4):
        producer.send(topic, command(number), key="door")
    producer.flush()
    first = consumer()
    taken = take(first, 4)
    first.commit(unanswered=[taken[3], taken[1]])
    first.__exit__(None, None, None)
    second = consumer()
    again = take(second, 3)
    assert names(again) == ["c1", "c2", "c3"]

    second.commit(unanswered=again[:1])
    second.commit(unanswered=again[2:])
    second.__exit__(None, None, None)

    assert names(take(consumer(), 1)) == ["c3"]


def test_partitions_that_leave_take_what_was_taken_of_them_along(
    client: dict[str, Any], topic: str, consumer: Callable[..., RecordConsumer[Command]]
) -> None:
    producer = RecordProducer(client)
    for number in range(4):
        producer.send(topic, command(number), key="door")
    producer.flush()
    revoked: list[frozenset[int]] = []
    first = consumer(on_revoked=lambda _topic, partitions: revoked.append(partitions))
    assert names(take(first, 4)) == ["c0", "c1", "c2", "c3"]
    second = consumer()

    wait_for(lambda: first.take(4, 0, first_wait_ms=10) or revoked, within_s=30)
    # what it took before it lost the partitions is not its to commit any more
    first.commit()

    # whose the camera is now depends on the members' names
    again = wait_for(lambda: [*first.take(4, 50, first_wait_ms=50), *second.take(4, 50, first_wait_ms=50)], within_s=30)
    assert revoked == [frozenset({0, 1})]
    assert names(again)[0] == "c0"
