"""What a call waits for: a frame to begin with, the window, and a thumbnail that shows the scene as it is."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.fakes.observations import BEGINNING, analyzed
from tests.fakes.site_records import event, thumbnail
from tests.fakes.specs import assignment
from watchpost.api.looking import fill, first_frame, recent_enough, wait_for_thumbnail
from watchpost.api.subscriptions import Seen, SiteRecord
from watchpost.api.window import Window
from watchpost.contracts.records import (
    EventChanged,
    EventType,
    FrameAnalyzed,
    SkipReason,
    Task,
    ThumbnailTaken,
)
from watchpost.errors import SourceError, SourceFailure

SOON_S = 0.05
FRAME = analyzed(0, 0, [], assignment())


def queued(*records: SiteRecord) -> asyncio.Queue[Seen]:
    queue: asyncio.Queue[Seen] = asyncio.Queue()
    for record in records:
        queue.put_nowait(Seen(record, 100))
    return queue


def offline(detail: str) -> EventChanged:
    return event(event_type=EventType.CAMERA_OFFLINE, at=BEGINNING, detail=detail)


def pictured(at_s: float) -> ThumbnailTaken:
    return thumbnail(thumbnail_id=f"t-{at_s}", at=BEGINNING + timedelta(seconds=at_s))


def begun(*records: SiteRecord, tasks: tuple[str, ...] = tuple(Task)) -> FrameAnalyzed:
    return asyncio.run(first_frame(queued(*records), tasks, BEGINNING, SOON_S))


def test_window_begins_with_no_frame_that_a_call_before_left_over() -> None:
    left_over = analyzed(7, -0.5, [], assignment())

    assert begun(left_over, FRAME) == FRAME


def test_window_begins_with_a_frame_of_which_all_tasks_were_asked() -> None:
    of_another_call = analyzed(1, 1, [], assignment(Task.PERSON_DETECTION))
    of_both = analyzed(2, 2, [], assignment())

    assert begun(of_another_call, of_both) == of_both
    assert begun(of_another_call, of_both, tasks=(Task.PERSON_DETECTION,)) == of_another_call


def test_camera_that_fails_before_its_first_frame_is_told_with_the_reason() -> None:
    with pytest.raises(SourceError, match="401") as failed:
        begun(offline("unauthorised: opening failed: 401"))

    assert failed.value.reason is SourceFailure.UNAUTHORISED


def test_frames_that_nobody_analyses_are_told_as_such() -> None:
    with pytest.raises(SourceError, match=r"were not analysed \(overload\)"):
        begun(replace(FRAME, skipped=SkipReason.OVERLOAD))


def test_nothing_at_all_is_told_as_such() -> None:
    with pytest.raises(SourceError, match="no frame of it was analysed"):
        begun()


def filled(*records: SiteRecord, blind_after_s: float = 60) -> Window:
    window = Window(FRAME)

    async def look() -> None:
        await fill(window, queued(*records), asyncio.get_running_loop().time() + SOON_S, blind_after_s)

    asyncio.run(look())
    return window


def test_window_holds_what_came_in_it() -> None:
    window = filled(replace(analyzed(1, 1, []), person_count=4), pictured(1))

    assert (window.person_count, window.newest_thumbnail) == (2, pictured(1))


def test_camera_that_goes_offline_ends_the_window() -> None:
    with pytest.raises(SourceError, match="refused"):
        filled(offline("refused: opening failed"))


def test_window_at_whose_end_nobody_looked_is_none() -> None:
    with pytest.raises(SourceError, match="of the window"):
        filled(blind_after_s=SOON_S / 5)


def test_thumbnail_is_waited_for_and_weighs_nothing() -> None:
    window = Window(FRAME)

    taken = asyncio.run(wait_for_thumbnail(window, queued(FRAME, pictured(1)), SOON_S))

    assert taken == pictured(1)
    window.take(replace(analyzed(5, 1, []), stream_bytes=100_000), 0)
    assert window.saved_percent == 100


def test_thumbnail_that_never_comes_is_none() -> None:
    assert asyncio.run(wait_for_thumbnail(Window(FRAME), queued(FRAME), SOON_S)) is None


@pytest.mark.parametrize(("at_s", "shows_it"), [(0, True), (-19, True), (-21, False)])
def test_thumbnail_is_no_older_than_its_interval_one_missed_forgiven(at_s: float, *, shows_it: bool) -> None:
    assert (recent_enough(pictured(at_s), FRAME) is not None) is shows_it


def test_no_thumbnail_is_never_recent() -> None:
    assert recent_enough(None, FRAME) is None
