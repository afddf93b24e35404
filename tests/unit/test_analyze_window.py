"""What a call's window comes to: counts, events, thumbnails and the share of the stream that stayed at the site."""

from dataclasses import replace
from datetime import timedelta
from statistics import median

from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.observations import BEGINNING, analyzed, person
from tests.fakes.site_records import event, thumbnail
from watchpost.api.window import ABNORMAL, Window, confirmed_in, middle_count, read_bytes, saved_percent
from watchpost.contracts.records import (
    CaptureReason,
    EventChanged,
    EventPhase,
    FrameAnalyzed,
    SkipReason,
    ThumbnailTaken,
)

EVENT_BYTES, THUMBNAIL_BYTES = 300, 4_000
counts = st.lists(st.integers(0, 50), min_size=1, max_size=60)


def frame(number: int, people: int = 0, *, at_s: float | None = None, stream_bytes: int | None = None) -> FrameAnalyzed:
    made = analyzed(number, number / 5 if at_s is None else at_s, [person()] * people)
    return made if stream_bytes is None else replace(made, stream_bytes=stream_bytes)


def changed(
    event_id: str = "a",
    revision: int = 2,
    phase: EventPhase = EventPhase.CONFIRMED,
    *,
    kind: str = "fall_detected",
    opened_s: float = 1,
    at_s: float = 2,
) -> EventChanged:
    return event(
        event_id=event_id,
        revision=revision,
        phase=phase,
        event_type=kind,
        opened_at=BEGINNING + timedelta(seconds=opened_s),
        at=BEGINNING + timedelta(seconds=at_s),
    )


def pictured(at_s: float) -> ThumbnailTaken:
    return thumbnail(thumbnail_id=f"t-{at_s}", at=BEGINNING + timedelta(seconds=at_s))


def test_single_frame_with_a_double_detection_does_not_decide_the_count() -> None:
    window = Window(frame(0, people=3))
    for number, people in enumerate((3, 4, 3, 2), start=1):
        window.take(frame(number, people=people), 900)

    assert window.person_count == 3


def test_frames_that_were_skipped_or_belong_to_a_burst_are_not_counted() -> None:
    window = Window(frame(0, people=2))
    for number in range(1, 6):
        window.take(replace(frame(number), skipped=SkipReason.OVERLOAD), 900)
        window.take(replace(frame(number), reason=CaptureReason.BURST), 900)

    assert window.person_count == 2


@given(counts)
def test_count_is_the_median_with_a_half_rounded_up(seen: list[int]) -> None:
    assert middle_count(seen) == int(median(seen) + 0.5)
    assert min(seen) <= middle_count(seen) <= max(seen)


def test_no_counts_are_nobody() -> None:
    assert middle_count([]) == 0


def test_event_opened_before_the_window_counts_when_it_is_confirmed_in_it() -> None:
    window = Window(frame(10))
    window.take(changed(opened_s=1, at_s=3), EVENT_BYTES)

    assert [told.event_id for told in window.confirmed(ABNORMAL)] == ["a"]


def test_event_that_an_earlier_frame_confirmed_is_none_of_the_window() -> None:
    window = Window(frame(10))
    window.take(changed(opened_s=0.5, at_s=1.9), EVENT_BYTES)

    assert window.confirmed(ABNORMAL) == ()


def test_each_event_is_told_once_and_in_the_order_of_opening() -> None:
    window = Window(frame(0))
    for told in (
        changed("late", opened_s=4, at_s=5),
        changed("early", opened_s=1, at_s=5),
        changed("early", opened_s=1, at_s=5),
        changed("early", 3, EventPhase.ENDED, opened_s=1, at_s=6),
        changed("doubtful", 1, EventPhase.CANDIDATE, at_s=5),
        changed("count", 1, EventPhase.CONFIRMED, kind="camera_online", at_s=5),
    ):
        window.take(told, EVENT_BYTES)

    assert [told.event_id for told in window.confirmed(ABNORMAL)] == ["early", "late"]


def test_event_that_was_withdrawn_after_all_is_not_told() -> None:
    assert confirmed_in([changed("a", 3, EventPhase.WITHDRAWN), changed("a", 2)]) == ()


def test_newest_thumbnail_is_kept_whatever_the_order_of_arrival() -> None:
    window = Window(frame(10))
    for at_s in (1.0, 3.0, 4.0, 3.5):
        window.take(pictured(at_s), THUMBNAIL_BYTES)

    assert window.newest_thumbnail == pictured(4.0)


def test_thumbnail_of_a_frame_before_the_window_is_not_its_own() -> None:
    window = Window(frame(10))
    window.take(pictured(1.0), THUMBNAIL_BYTES)

    assert window.newest_thumbnail is None


def test_saving_compares_what_went_up_with_what_was_read() -> None:
    window = Window(frame(0, stream_bytes=1_000_000))
    window.take(pictured(1.0), 9_700)
    window.take(changed(at_s=1), 300)
    window.take(frame(5, stream_bytes=1_100_000), 900)

    assert window.saved_percent == 90


def test_stream_that_was_opened_anew_counts_on_from_nothing() -> None:
    frames = [frame(number, stream_bytes=size) for number, size in enumerate((500, 900, 100, 400))]

    assert read_bytes(frames) == 400 + 300


@given(st.lists(st.integers(0, 10**9), max_size=40), st.randoms())
def test_order_of_arrival_changes_nothing_in_what_was_read(sizes: list[int], shuffler: object) -> None:
    frames = [frame(number, stream_bytes=size) for number, size in enumerate(sizes)]
    shuffled = sorted(frames, key=lambda _: shuffler.random())  # type: ignore[attr-defined]

    assert read_bytes(shuffled) == read_bytes(frames)


@given(st.lists(st.integers(0, 10**6), min_size=2, max_size=40))
def test_growing_count_was_read_from_its_first_to_its_last(steps: list[int]) -> None:
    totals = [sum(steps[:number]) for number in range(1, len(steps) + 1)]
    frames = [frame(number, stream_bytes=total) for number, total in enumerate(totals)]

    assert read_bytes(frames) == totals[-1] - totals[0]


@given(st.integers(0, 10**12), st.integers(0, 10**12))
def test_saving_is_a_whole_per_cent_from_0_to_100_that_never_flatters(sent_bytes: int, stream_bytes: int) -> None:
    saved = saved_percent(sent_bytes, stream_bytes)

    assert 0 <= saved <= 100
    assert saved * stream_bytes <= max(0, 100 * (stream_bytes - sent_bytes))


@given(st.integers(0, 10**9), st.integers(0, 10**9), st.integers(1, 10**9))
def test_who_sends_more_saves_no_more(sent_bytes: int, more_bytes: int, stream_bytes: int) -> None:
    assert saved_percent(sent_bytes + more_bytes, stream_bytes) <= saved_percent(sent_bytes, stream_bytes)


def test_nothing_is_saved_of_a_stream_of_which_nothing_was_read() -> None:
    assert saved_percent(0, 0) == 0
