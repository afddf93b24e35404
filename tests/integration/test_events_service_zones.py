"""Zones and samples through the events service on a real broker, and a site whose states are of an older version."""

import json
import zlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from tests.fakes.brokers import Broker
from tests.fakes.observations import zone
from tests.fakes.observed_people import observed, observed_at
from tests.fakes.specs import assignment
from tests.integration.events_site import EventsSite, fold
from tests.waiting import wait_for
from watchpost.clock import SystemClock
from watchpost.contracts import TopicName, decode
from watchpost.contracts.records import (
    Command,
    EventChanged,
    EventPhase,
    EventType,
    FrameAnalyzed,
    ImageRef,
    ThumbnailReason,
    ThumbnailTaken,
    ZoneKind,
)
from watchpost.frames import FrameStore

pytestmark = pytest.mark.kafka

_EVERYWHERE = zone(left=0.0)
_BUSY = zone(ZoneKind.CROWD, name="queue", people=1, left=0.0)
_FRAMES = 20


@pytest.fixture
def site(broker: Broker, tmp_path: Path) -> Iterator[EventsSite]:
    made = EventsSite(broker.bootstrap, tmp_path)
    yield made
    made.close()


def _watched(begin: datetime, images: list[ImageRef] | None = None) -> list[FrameAnalyzed]:
    """Somebody who stands in two zones, of a camera that is to send its frames up as well."""
    asked = assignment(zones=(_EVERYWHERE, _BUSY), bandwidth_saving=False, thumbnail_interval_s=60)
    found = [images[number] if images else None for number in range(_FRAMES)]
    frames = [observed_at("shop", "door", number, begin, image) for number, image in enumerate(found)]
    return [replace(frame, assignment=asked) for frame in frames]


def test_intrusion_and_crowd_reach_the_topic_with_their_zones_a_thumbnail_and_a_burst(site: EventsSite) -> None:
    store = FrameStore(site.settings.frames, SystemClock())
    i420 = np.full((540 * 3 // 2, 960), 90, np.uint8)
    frames = _watched(datetime.now(UTC), [store.put("door", f"frame-{number}", i420) for number in range(_FRAMES)])
    site.service().start()

    site.observe(frames)

    expected = fold(frames, site.settings)
    found = site.wait_for_events(expected)
    assert found == {name: [value] for name, value in expected.items()}
    events = [decode(values[0], EventChanged) for values in found.values()]
    confirmed = {event.type: event for event in events if event.phase is EventPhase.CONFIRMED}
    assert {kind: confirmed[kind].detail for kind in (EventType.INTRUSION, EventType.CROWD)} == {
        EventType.INTRUSION: "yard",
        EventType.CROWD: "queue",
    }
    of_events = {event.event_id: event.thumbnail_id for event in confirmed.values()}
    pictures = wait_for(
        lambda: [decode(value, ThumbnailTaken) for value in site.values(TopicName.THUMBNAILS)],
        lambda taken: of_events.keys() <= {picture.event_id for picture in taken},
        within_s=30,
    )
    assert {one.event_id: one.thumbnail_id for one in pictures if one.event_id is not None} == of_events
    commands = [decode(value, Command) for value in site.values(TopicName.COMMANDS)]
    assert confirmed[EventType.INTRUSION].event_id in {command.event_id for command in commands}


def test_camera_that_saves_no_bandwidth_sends_a_frame_a_second_in_its_own_width(site: EventsSite) -> None:
    store = FrameStore(site.settings.frames, SystemClock())
    i420 = np.full((540 * 3 // 2, 960), 90, np.uint8)
    frames = _watched(datetime.now(UTC), [store.put("door", f"frame-{number}", i420) for number in range(_FRAMES)])
    site.service().start()

    site.observe(frames)

    def sampled() -> list[ThumbnailTaken]:
        taken = [decode(value, ThumbnailTaken) for value in site.values(TopicName.THUMBNAILS)]
        return [picture for picture in taken if picture.reason is ThumbnailReason.SAMPLED]

    pictures = wait_for(sampled, lambda taken: len(taken) == _FRAMES // 5, within_s=30)
    assert {picture.taken_at for picture in pictures} == {frame.captured_at for frame in frames[::5]}
    assert {(picture.width, picture.height) for picture in pictures} == {(960, 540)}


def test_site_whose_states_are_of_version_1_begins_its_cameras_anew_and_goes_on(site: EventsSite) -> None:
    begin = datetime.now(UTC)
    before, after = (
        observed("shop", "door", count=10, begin=begin),
        observed("shop", "door", count=30, begin=begin)[10:],
    )
    old, new = site.service(), site.service()
    old.start()
    site.observe(before)
    site.wait_for_events(fold(before, site.settings))
    site.wait_until_committed()
    assert old.stop() == 0
    site.write_changelog([(key, _of_version_1(value)) for key, value in site.changelog()[-1:]])

    new.start()
    site.observe(after)

    expected = fold(after, site.settings)
    assert site.wait_for_events(expected).keys() >= expected.keys()
    assert new.stop() == 0
    assert "state of another version, beginning anew" in new.log_file.read_text()


def _of_version_1(snapshot: bytes) -> bytes:
    head, _, packed = snapshot.partition(b"\n")
    document = json.loads(zlib.decompress(packed)) | {"version": 1}
    return head + b"\n" + zlib.compress(json.dumps(document).encode())
