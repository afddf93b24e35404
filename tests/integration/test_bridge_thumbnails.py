"""Thumbnails that wait: the newest first where that is asked for, and those too old not at all, on real brokers."""

import json
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.arrivals import Arrivals
from tests.fakes.bridged_site import BridgedSite, event, partition_of, thumbnail
from tests.waiting import wait_for
from watchpost.contracts import TopicName, decode, encode
from watchpost.contracts.records import EventChanged, EventType, ThumbnailTaken
from watchpost.stream import value_of
from watchpost.stream.embedded import EmbeddedKafka

pytestmark = pytest.mark.kafka

CAMERAS = ("door", "yard", "hall")
BACKLOG = 150


def site_of(
    site_broker: EmbeddedKafka, central: EmbeddedKafka, folder: Path, options: Mapping[str, Any]
) -> BridgedSite:
    # so that a test may write what is old
    told = {"message.timestamp.type": "CreateTime"}
    return BridgedSite(site_broker.bootstrap, central.bootstrap, folder, options, told)


def names(arrivals: Arrivals) -> list[str]:
    return [decode(value_of(message) or b"", ThumbnailTaken).thumbnail_id for message in arrivals.messages]


def numbers_of(arrivals: Arrivals, camera: str) -> list[int]:
    seen = [decode(value_of(message) or b"", ThumbnailTaken) for message in arrivals.messages]
    return [int(one.thumbnail_id[1:]) for one in seen if one.camera == camera]


def test_newest_thumbnails_of_every_camera_arrive_before_the_backlog_and_all_once_over_a_kill(
    site_broker: EmbeddedKafka, embedded_broker: EmbeddedKafka, tmp_path: Path
) -> None:
    # thin enough that the bridge is killed inside the backlog
    options = {"thumbnails": {"order": "newest"}, "bandwidth": {"max_kbps": 1600}}
    site = site_of(site_broker, embedded_broker, tmp_path, options)
    written = site.write(thumbnail(f"t{n}", CAMERAS[n % 3], 10_000) for n in range(BACKLOG))

    with site.reader(TopicName.THUMBNAILS) as thumbnails:
        with site.bridge() as bridge:
            thumbnails.wait_for(30, within_s=60)
            bridge.kill()
        first = thumbnails.look()
        # what happens meanwhile is newer than all that waits
        written += site.write(thumbnail(f"t{n}", CAMERAS[n % 3], 10_000) for n in range(BACKLOG, BACKLOG + 30))
        with site.bridge() as bridge:
            arrivals = thumbnails.wait_until_quiet(BACKLOG + 30, within_s=90)
            bridge.wait_until_ready()

    for camera in CAMERAS:
        assert min(numbers_of(first, camera)[:4]) >= BACKLOG - 20
        second = [number for number in numbers_of(arrivals, camera) if number not in numbers_of(first, camera)]
        assert min(second[:3]) >= BACKLOG
    assert arrivals.values == Counter(written)
    arrivals.assert_gapless()


def test_thumbnails_that_became_too_old_are_not_sent_and_named_in_a_delivery_gap(
    site_broker: EmbeddedKafka, embedded_broker: EmbeddedKafka, tmp_path: Path
) -> None:
    site = site_of(site_broker, embedded_broker, tmp_path, {"thumbnails": {"max_age_s": 3600}})
    now_ms = round(time.time() * 1000)
    for number in range(7):
        old = encode(thumbnail(f"t{number}", jpeg_bytes=500))
        site.write_bytes(TopicName.THUMBNAILS, old, timestamp_ms=now_ms - 2 * 3_600_000)
    kept = site.write(thumbnail(f"t{number}", jpeg_bytes=500) for number in range(7, 10))

    with (
        site.bridge() as bridge,
        site.reader() as events,
        site.reader(TopicName.THUMBNAILS) as thumbnails,
    ):
        arrivals = thumbnails.wait_until_quiet(3, within_s=60)
        told = events.wait_until_quiet(1)
        lost = bridge.metric('watchpost_bridge_lost_records_total{producer="thumbnails"}')

    assert arrivals.values == Counter(kept)
    gap = decode(value_of(told.messages[0]) or b"", EventChanged)
    detail = json.loads(gap.detail or "")
    assert gap.type == EventType.DELIVERY_GAP
    assert (detail["cause"], detail["partition"]) == ("expired", partition_of("door"))
    assert (detail["next_offset"], detail["then_offset"], detail["lost_records"], lost) == (0, 7, 7, 7)


def test_events_are_never_too_old(site_broker: EmbeddedKafka, embedded_broker: EmbeddedKafka, tmp_path: Path) -> None:
    options = {"thumbnails": {"order": "newest", "max_age_s": 60}}
    site = site_of(site_broker, embedded_broker, tmp_path, options)
    old = encode(event("e1"))
    site.write_bytes(TopicName.EVENTS, old, timestamp_ms=round(time.time() * 1000) - 86_400_000)

    with site.bridge(), site.reader() as events:
        arrivals = wait_for(events.look, lambda seen: len(seen.messages) == 1, within_s=60)

    assert arrivals.values == Counter([old])
