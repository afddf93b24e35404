"""The events service on a real broker: what it writes is the pure fold over the observations, no more and no less."""

import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import cv2
import httpx
import numpy as np
import pytest

from tests.fakes.brokers import Broker
from tests.fakes.observed_people import observed, observed_at
from tests.integration.events_site import EventsSite, fold
from tests.waiting import wait_for
from watchpost.clock import SystemClock
from watchpost.contracts import TopicName, decode
from watchpost.contracts.records import (
    Command,
    CommandKind,
    EventChanged,
    EventPhase,
    ThumbnailReason,
    ThumbnailTaken,
)
from watchpost.events.logic import EventRules, initial_state, step
from watchpost.frames import FrameStore
from watchpost.stream import read_dead_letters

pytestmark = pytest.mark.kafka

CAMERAS = ("door", "yard", "gate", "lift-3", "a", "parking_lot")


@pytest.fixture
def site(broker: Broker, tmp_path: Path) -> Iterator[EventsSite]:
    made = EventsSite(broker.bootstrap, tmp_path)
    yield made
    made.close()


def test_events_are_the_fold_over_the_observations_each_written_once(site: EventsSite) -> None:
    begin = datetime.now(UTC)
    frames = [frame for camera in CAMERAS for frame in observed("shop", camera, count=150, begin=begin)]
    service = site.service()
    service.start()

    site.observe(frames)

    expected = fold(frames, site.settings)
    found = site.wait_for_events(expected)
    assert service.stop() == 0
    assert site.events() == {name: [value] for name, value in expected.items()}
    assert sum(decode(values[0], EventChanged).phase is EventPhase.CONFIRMED for values in found.values()) >= len(
        CAMERAS
    )


def test_camera_keeps_its_partition_on_every_topic(site: EventsSite) -> None:
    begin = datetime.now(UTC)
    site.service().start()
    for camera in CAMERAS:
        site.observe(observed("shop", camera, count=30, begin=begin))
        # RecordProducer is librdkafka told to partition as Java does, the service writes through aiokafka
        site.producer.send(TopicName.EVENTS, _an_event(camera, begin), key=camera)
    site.producer.flush()

    def partitions() -> dict[str, set[int | None]]:
        found: dict[str, set[int | None]] = {}
        for message in site.messages:
            found.setdefault((message.key() or b"").decode(), set()).add(message.partition())
        return found

    wait_for(lambda: {command.camera for command in _commands(site)}, lambda found: found == set(CAMERAS), within_s=30)
    assert {camera: len(found) for camera, found in partitions().items()} == dict.fromkeys(CAMERAS, 1)


def test_confirmed_fall_brings_its_thumbnail_and_asks_for_a_burst(site: EventsSite) -> None:
    begin = datetime.now(UTC)
    store = FrameStore(site.settings.frames, SystemClock())
    i420 = np.full((540 * 3 // 2, 960), 90, np.uint8)
    frames = [
        observed_at("shop", "door", number, begin, store.put("door", f"door-{number:06d}", i420))
        for number in range(40)
    ]
    site.service().start()

    site.observe(frames)

    pictures = wait_for(lambda: site.values(TopicName.THUMBNAILS), lambda found: len(found) >= 2, within_s=30)
    taken = {picture.reason: picture for picture in (decode(value, ThumbnailTaken) for value in pictures)}
    events = [decode(values[0], EventChanged) for values in site.events().values()]
    confirmed = next(event for event in events if event.phase is EventPhase.CONFIRMED)
    picture = taken[ThumbnailReason.EVENT]
    assert (picture.event_id, picture.thumbnail_id) == (confirmed.event_id, confirmed.thumbnail_id)
    assert (picture.width, picture.height) == (320, 180)
    shown = cv2.imdecode(np.frombuffer(picture.jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert shown is not None
    assert shown.shape == (180, 320, 3)
    (command,) = wait_for(lambda: [one for one in _commands(site) if one.kind is CommandKind.BURST])
    assert (command.event_id, command.around) == (confirmed.event_id, confirmed.at)


def test_event_whose_frame_is_gone_is_written_without_a_thumbnail(site: EventsSite) -> None:
    frames = observed("shop", "door", count=40, begin=datetime.now(UTC))
    service = site.service()
    service.start()

    site.observe(frames)

    site.wait_for_events(fold(frames, site.settings))
    assert service.stop() == 0
    assert site.values(TopicName.THUMBNAILS) == []
    assert "no thumbnail" in service.log_file.read_text()


def test_unreadable_observations_become_dead_letters_and_the_rest_goes_on(site: EventsSite) -> None:
    frames = observed("shop", "door", count=40, begin=datetime.now(UTC))
    poison = (b"", b"no avro", b"\xc3\x01" + b"\0" * 8 + b"?")
    site.service().start()

    site.observe(frames[:20])
    for value in (*poison, None):
        site.producer.send_bytes(TopicName.OBSERVATIONS, value, key=b"door")
    site.observe(observed("elsewhere", "door", count=1, begin=datetime.now(UTC)))
    site.observe(frames[20:])

    found = site.wait_for_events(fold(frames, site.settings))
    assert found == {name: [value] for name, value in fold(frames, site.settings).items()}
    letters = list(read_dead_letters({"bootstrap.servers": site.bootstrap}, TopicName.OBSERVATIONS))
    assert [letter.value for letter in letters][:4] == [*poison, None]
    assert [letter.service for letter in letters] == ["events"] * 5
    assert "'elsewhere'" in letters[4].reason


def test_too_many_unreadable_observations_in_a_row_end_the_service_uncommitted(site: EventsSite) -> None:
    service = site.service()
    for number in range(120):
        site.producer.send_bytes(TopicName.OBSERVATIONS, b"no avro", key=b"door", headers=[("n", str(number).encode())])
    site.producer.flush()

    service.start()

    assert wait_for(service.exit_code, lambda code: code is not None, within_s=30) == 1
    assert "100 records in a row" in service.log_file.read_text()


def test_service_without_kafka_says_what_it_waits_for_and_ends_within_five_seconds(site: EventsSite) -> None:
    with socket.socket() as taken, socket.socket() as free:
        taken.bind(("127.0.0.1", 0))
        free.bind(("127.0.0.1", 0))
        nowhere, health_port = taken.getsockname()[1], free.getsockname()[1]
        free.close()
        site.configure("nowhere.yaml", bootstrap=f"127.0.0.1:{nowhere}", health_port=health_port)
        service = site.service("nowhere.yaml")
        service.start()

        told = f"127.0.0.1:{nowhere} does not answer"
        wait_for(lambda: _waits_for(health_port), lambda parts: told in parts.get("kafka", ""))
        assert service.stop(within_s=5) == 0


def _commands(site: EventsSite) -> list[Command]:
    return [decode(value, Command) for value in site.values(TopicName.COMMANDS)]


def _waits_for(health_port: int) -> dict[str, str]:
    try:
        answer = httpx.get(f"http://127.0.0.1:{health_port}/readyz")
    except httpx.TransportError:
        return {}
    waits_for: dict[str, str] = answer.json()["waits_for"]
    return waits_for


def _an_event(camera: str, begin: datetime) -> EventChanged:
    frame = observed_at("shop", camera, 0, begin)
    _, outputs = step(initial_state(frame.site, frame.camera), frame, EventRules("1"))
    return outputs.events[0]
