"""The whole chain: a camera's stream goes in, events with a thumbnail come out at the centre, whatever dies between."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.site import SERVICES, SiteUnderTest
from tests.waiting import wait_for
from watchpost.contracts import TopicName, decode
from watchpost.contracts.records import EventChanged, EventPhase, EventType, ThumbnailReason, ThumbnailTaken
from watchpost.site.delivery import end_offsets, read_topic
from watchpost.stream import value_of

pytestmark = [pytest.mark.e2e, pytest.mark.kafka, pytest.mark.timeout(280)]

FALLING = "sim:street?seed=7&people=4&falls=6&fps=10&size=960x540"
LOGIC_TYPES = {EventType.PERSON_COUNT, EventType.FALL_DETECTED}


@pytest.fixture
def site(tmp_path: Path, models_dir: Path) -> Iterator[SiteUnderTest]:
    assert models_dir.is_dir()
    with SiteUnderTest(tmp_path, {"street": FALLING}) as running:
        yield running


def confirmed_falls(events: list[EventChanged]) -> list[EventChanged]:
    return [event for event in events if event.type == EventType.FALL_DETECTED and event.phase is EventPhase.CONFIRMED]


def test_fall_on_the_street_reaches_the_centre_with_its_thumbnail(site: SiteUnderTest) -> None:
    site.wait_for_central(lambda events: bool(confirmed_falls(events)), within_s=90)
    site.drain()

    (fall, *_) = confirmed_falls(site.central_events())
    thumbnails = {
        thumbnail.thumbnail_id: thumbnail
        for thumbnail in read_topic(
            site.central, TopicName.THUMBNAILS, lambda message: decode(value_of(message) or b"", ThumbnailTaken)
        )
    }
    assert fall.thumbnail_id is not None
    assert thumbnails[fall.thumbnail_id].reason is ThumbnailReason.EVENT
    assert thumbnails[fall.thumbnail_id].jpeg.startswith(b"\xff\xd8")
    assert site.delivery().duplicated == 0
    assert fall.event_id in site.log_of("events")


def assert_centre_holds_the_truth(site: SiteUnderTest) -> None:
    """Nothing lost and nothing twice: the centre's events are those of the pure logic over the observations."""
    truth = site.truth()
    central = [event for event in site.central_events() if event.type in LOGIC_TYPES]
    arrived = [(event.event_id, event.revision) for event in central]

    assert len(arrived) == len(set(arrived))
    assert set(arrived) == set(truth)
    assert all(truth[event.event_id, event.revision] == event for event in central)
    assert truth


def test_every_service_killed_in_turn_under_load_loses_and_repeats_nothing(site: SiteUnderTest) -> None:
    site.wait_for_central(bool)
    for name in SERVICES * 2:
        before = end_offsets(site.site, TopicName.OBSERVATIONS)
        restarts = site.supervisor.restarts()[name]
        site.supervisor.kill(name)
        wait_for(lambda name=name: site.supervisor.restarts()[name], lambda seen, had=restarts: seen > had)  # type: ignore[misc]
        wait_for(
            lambda: end_offsets(site.site, TopicName.OBSERVATIONS),
            lambda now, had=before: now > had + 15,  # type: ignore[misc]
            within_s=60,
        )
    site.wait_for_central(lambda events: bool(confirmed_falls(events)), within_s=90)

    site.drain()

    assert_centre_holds_the_truth(site)


def test_restart_of_each_broker_under_load_loses_and_repeats_nothing(site: SiteUnderTest) -> None:
    site.wait_for_central(bool)
    for broker in (site.site_kafka, site.central_kafka):
        broker.kill()
        time.sleep(3)  # an outage has a length; nothing can be waited for while nothing answers
        broker.start()
        arrived = len(site.central_events())
        site.wait_for_central(lambda events, had=arrived: len(events) > had, within_s=90)  # type: ignore[misc]

    site.drain()

    assert_centre_holds_the_truth(site)
