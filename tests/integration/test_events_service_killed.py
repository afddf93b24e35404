"""The events service and its Kafka die under load: no event is lost, and what is repeated is repeated byte for byte."""

import random
import shutil
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType

from tests.fakes.observed_people import observed
from tests.integration.events_site import EventName, EventsService, EventsSite, fold, under_load
from tests.waiting import wait_for
from watchpost.contracts import TopicName
from watchpost.contracts.records import FrameAnalyzed
from watchpost.stream.embedded import EmbeddedKafka

pytestmark = pytest.mark.kafka

CAMERAS = tuple(f"camera-{number}" for number in range(8))
FRAMES_A_SECOND = 120


@pytest.fixture
def kafka(fresh_broker: Callable[[], EmbeddedKafka]) -> EmbeddedKafka:
    return fresh_broker()


@pytest.fixture
def site(kafka: EmbeddedKafka, tmp_path: Path) -> Iterator[EventsSite]:
    made = EventsSite(kafka.bootstrap, tmp_path)
    yield made
    made.close()


@pytest.fixture
def frames() -> list[FrameAnalyzed]:
    """8 s of load, 120 frames of each camera."""
    begin = datetime.now(UTC)
    plays = [observed("shop", camera, count=120, begin=begin) for camera in CAMERAS]
    return [frame for together in zip(*plays, strict=True) for frame in together]


def lose_rocksdb(service: EventsService) -> None:
    shutil.rmtree(service.rocksdb)


def keep_rocksdb(service: EventsService) -> None:
    assert service.rocksdb.exists()


def accept_events(site: EventsSite, *, accept: bool) -> None:
    """Let the events topic refuse what is written there, as long as it shall not accept: no other topic does."""
    replicas = ConfigEntry("min.insync.replicas", "1" if accept else "2", incremental_operation=AlterConfigOpType.SET)
    topic = ConfigResource(ResourceType.TOPIC, TopicName.EVENTS.value, incremental_configs=[replicas])
    admin = AdminClient({"bootstrap.servers": site.bootstrap})
    for altered in admin.incremental_alter_configs([topic]).values():
        altered.result()


def saved_event_ids(site: EventsSite, expected: Iterable[EventName]) -> set[str]:
    """Which of these events the saved snapshots owe."""
    saved = b"".join(value for _, value in site.changelog())
    return {event_id for event_id, _ in expected if event_id.encode() in saved}


@pytest.mark.parametrize("between_lives", [keep_rocksdb, lose_rocksdb])
def test_service_killed_between_its_state_and_its_output_sends_what_its_state_owes(
    site: EventsSite, frames: list[FrameAnalyzed], between_lives: Callable[[EventsService], None]
) -> None:
    expected = fold(frames, site.settings)
    service = site.service()
    service.start()
    site.wait_for_workers(1)
    accept_events(site, accept=False)
    site.observe(frames)
    wait_for(lambda: saved_event_ids(site, expected))
    service.kill()
    said_before = site.events()
    between_lives(service)
    accept_events(site, accept=True)
    service.start()

    found = site.wait_for_events(expected)
    site.wait_until_committed()
    assert said_before == {}
    assert {name: set(values) for name, values in found.items()} == {name: {value} for name, value in expected.items()}


@pytest.mark.parametrize("between_lives", [keep_rocksdb, lose_rocksdb])
def test_service_killed_under_load_loses_no_event(
    site: EventsSite, frames: list[FrameAnalyzed], between_lives: Callable[[EventsService], None]
) -> None:
    moment = random.Random(between_lives.__name__).randrange(5, 80)  # noqa: S311  a test repeats its choice
    service = site.service()
    service.start()

    with under_load(site, frames, FRAMES_A_SECOND):
        site.wait_for_some_events(moment)
        service.kill()
        between_lives(service)
        service.start()

    expected = fold(frames, site.settings)
    found = site.wait_for_events(expected)
    site.wait_until_committed()
    assert {name: set(values) for name, values in found.items()} == {name: {value} for name, value in expected.items()}


def test_service_killed_and_started_with_another_configuration_says_nothing_twice_differently(
    site: EventsSite, frames: list[FrameAnalyzed]
) -> None:
    site.configure("changed.yaml", count_interval_s=3, cool_down_s=1)
    service, changed = site.service(), site.service("changed.yaml")
    service.start()

    with under_load(site, frames, FRAMES_A_SECOND):
        site.wait_for_some_events(40)
        service.kill()
        changed.start()

    site.wait_until_committed()
    said_differently = {name for name, values in site.events().items() if len(set(values)) > 1}
    assert said_differently == set()
    assert '"event": "event"' in changed.log_file.read_text()


def test_kafka_killed_under_load_costs_no_event(
    kafka: EmbeddedKafka, site: EventsSite, frames: list[FrameAnalyzed]
) -> None:
    service = site.service()
    service.start()

    with under_load(site, frames, FRAMES_A_SECOND):
        site.wait_for_some_events(30)
        kafka.kill()
        kafka.start()

    expected = fold(frames, site.settings)
    found = site.wait_for_events(expected, meanwhile=lambda: supervise(service))
    assert {name: set(values) for name, values in found.items()} == {name: {value} for name, value in expected.items()}


def test_two_workers_share_the_cameras_and_one_takes_over_from_the_dead(
    site: EventsSite, frames: list[FrameAnalyzed]
) -> None:
    first, second = site.service(), site.service()
    first.start()
    second.start()
    site.wait_for_workers(2)
    before, after = frames[: len(frames) // 4], frames[len(frames) // 4 : len(frames) // 2]
    with under_load(site, before, FRAMES_A_SECOND):
        site.wait_for_some_events(20)
        wait_for(lambda: log_tells_of_events(first), within_s=30)

    with under_load(site, after, FRAMES_A_SECOND):
        first.kill()

    expected = fold([*before, *after], site.settings)
    found = site.wait_for_events(expected)
    assert {name: set(values) for name, values in found.items()} == {name: {value} for name, value in expected.items()}
    assert all(log_tells_of_events(service) for service in (first, second))


def test_worker_that_finds_a_strange_record_in_its_changelog_ends_and_the_next_life_is_right(
    site: EventsSite, frames: list[FrameAnalyzed]
) -> None:
    service = site.service()
    service.start()
    before, after = frames[: len(frames) // 4], frames[len(frames) // 4 : len(frames) // 2]
    site.observe(before)
    site.wait_until_committed()

    # as a worker would that was frozen, has lost its cameras, and wakes up within a save
    oldest = dict(reversed(site.changelog()))
    stale = list(oldest.items())
    site.write_changelog(stale)
    site.observe(after)

    assert wait_for(service.exit_code, lambda code: code is not None, within_s=20) == 1
    assert "another worker owns these cameras" in service.log_file.read_text()
    lose_rocksdb(service)
    site.write_changelog(stale)
    service.start()
    expected = fold([*before, *after], site.settings)
    found = site.wait_for_events(expected)
    site.wait_until_committed()
    assert {name: set(values) for name, values in found.items()} == {name: {value} for name, value in expected.items()}


def supervise(service: EventsService) -> None:
    """Start the service again when it has ended, as its supervisor would."""
    if service.exit_code() is not None:
        service.start()


def log_tells_of_events(service: EventsService) -> bool:
    return '"event": "event"' in service.log_file.read_text()
