"""The api adds no camera while the site does not keep up with those that it has, and says so with the figures."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from tests.fakes.observations import analyzed
from tests.fakes.site_records import MIDNIGHT, event
from tests.fakes.specs import camera_spec
from watchpost.api.room import check_keeps_up
from watchpost.api.site_view import SiteView, SpecArrived
from watchpost.api.subscriptions import Seen, SiteRecord
from watchpost.contracts.records import CameraId, EventChanged, EventPhase, EventType, FrameAnalyzed, SkipReason
from watchpost.errors import CallError

DOOR = CameraId("door")
DETAIL = "overload: 42 of 50 frames of the last 10 s were not looked at; fewer cameras help"


class Site:
    """A view of a site with one camera, and the clock that it goes by."""

    def __init__(self) -> None:
        self.at = MIDNIGHT
        self.view = SiteView(self)
        self.view.take([SpecArrived(DOOR, camera_spec("door"), MIDNIGHT)])

    def now(self) -> datetime:
        return self.at

    def tells(self, *records: SiteRecord) -> None:
        self.view.take([Seen(record, 100) for record in records])


def degraded(detail: str = DETAIL, *, camera: str = "door", event_id: str = "e1") -> EventChanged:
    return event(camera, event_id=event_id, event_type=EventType.ANALYSIS_DEGRADED, detail=detail)


def over(told: EventChanged) -> EventChanged:
    return replace(told, phase=EventPhase.ENDED, revision=2)


def answered(skipped: SkipReason | None, camera: CameraId = DOOR) -> FrameAnalyzed:
    return replace(analyzed(1, 0, []), camera=camera, skipped=skipped, analyzed_at=MIDNIGHT)


@pytest.mark.parametrize("skipped", [SkipReason.OVERLOAD, SkipReason.EXPIRED])
def test_camera_is_refused_while_frames_of_another_are_shed(skipped: SkipReason) -> None:
    site = Site()
    site.tells(degraded(), answered(skipped))

    with pytest.raises(CallError) as refused:
        check_keeps_up(site.view, "stream_url")

    assert (refused.value.kind, refused.value.field) == ("overloaded", "stream_url")
    assert "of door, 42 of 50 frames" in refused.value.detail
    assert refused.value.headers == {"Retry-After": "30"}


@pytest.mark.parametrize(
    "records",
    [
        (),
        (answered(SkipReason.OVERLOAD),),
        (degraded(), answered(None)),
        (degraded(), answered(SkipReason.FRAME_GONE)),
        (degraded("analyzer_failed: 40 of 50 frames"), answered(SkipReason.OVERLOAD)),
        (degraded(), answered(SkipReason.OVERLOAD), over(degraded())),
        (degraded(camera="gone"), answered(SkipReason.OVERLOAD, CameraId("gone"))),
        (event(detail=DETAIL), answered(SkipReason.OVERLOAD)),
    ],
    ids=["nothing", "shed now and then", "looked at", "gone", "fails", "ended", "no camera of the site", "a fall"],
)
def test_camera_is_taken_where_nothing_says_that_the_site_is_too_slow(records: tuple[SiteRecord, ...]) -> None:
    site = Site()
    site.tells(*records)

    check_keeps_up(site.view)


def test_event_without_an_end_refuses_nothing_once_no_frame_is_shed() -> None:
    site = Site()
    site.tells(degraded(), answered(SkipReason.OVERLOAD))

    site.at += timedelta(seconds=31)

    check_keeps_up(site.view)


def test_end_of_an_older_event_leaves_a_newer_one_open() -> None:
    site = Site()
    older = degraded(event_id="e0")

    site.tells(older, degraded(), over(older), answered(SkipReason.OVERLOAD))

    assert site.view.overloaded() == degraded()


def test_camera_that_was_removed_is_no_reason_to_refuse_its_successor() -> None:
    site = Site()
    site.tells(degraded(), answered(SkipReason.OVERLOAD))

    site.view.take([SpecArrived(DOOR, None, MIDNIGHT), SpecArrived(DOOR, camera_spec("door"), MIDNIGHT)])

    assert site.view.overloaded() is None


def test_camera_is_refused_while_frames_of_one_are_shed_whose_spec_was_told_after_them() -> None:
    site, till = Site(), CameraId("till")
    site.tells(degraded(camera="till"), answered(SkipReason.OVERLOAD, till))
    site.view.take([SpecArrived(till, camera_spec("till"), MIDNIGHT)])

    with pytest.raises(CallError, match="of till, 42 of 50 frames"):
        check_keeps_up(site.view)
