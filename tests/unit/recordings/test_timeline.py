"""A segment's times rise and stay near the site's, whatever a camera's own times do."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from watchpost.recordings.samples import Sample
from watchpost.recordings.timeline import LEAST_STEP_US, Placed, Timeline

SITE_US = 1_767_614_400_000_000
STAMPS = st.none() | st.integers(-(10**12), 10**12)


def sample(captured_us: int, dts_us: int | None = None, pts_us: int | None = None) -> Sample:
    return Sample(b"", captured_us, dts_us, pts_us, None)


def placed(*samples: Sample) -> list[Placed]:
    timeline = Timeline()
    return [timeline.place(each) for each in samples]


@given(st.lists(st.tuples(st.integers(0, 10**9), STAMPS, STAMPS), min_size=2, max_size=40))
def test_times_rise_and_no_picture_is_shown_before_it_is_decoded(
    stamps: list[tuple[int, int | None, int | None]],
) -> None:
    places = placed(*(sample(SITE_US + captured, dts, pts) for captured, dts, pts in stamps))

    assert all(later.dts_us - earlier.dts_us >= LEAST_STEP_US for earlier, later in pairwise(places))
    assert all(place.pts_us >= place.dts_us for place in places)


@given(jitter=st.lists(st.integers(0, 300_000), min_size=50, max_size=50))
def test_jitter_of_arrival_does_not_reach_the_recording(jitter: list[int]) -> None:
    places = placed(*(sample(SITE_US + n * 40_000 + late, n * 40_000) for n, late in enumerate(jitter)))

    assert {later.dts_us - earlier.dts_us for earlier, later in pairwise(places)} == {40_000}


@given(leap_us=st.integers(-(10**12), 10**12).filter(lambda leap: abs(leap) > 5_000_000))
def test_time_that_leaps_or_loops_is_told_by_capture(leap_us: int) -> None:
    before = [sample(SITE_US + n * 40_000, n * 40_000) for n in range(10)]
    after = [sample(SITE_US + n * 40_000, n * 40_000 + leap_us) for n in range(10, 20)]

    assert [place.dts_us - SITE_US for place in placed(*before, *after)] == [n * 40_000 for n in range(20)]


def test_clock_that_runs_fast_is_followed_within_a_second() -> None:
    places = placed(*(sample(SITE_US + n * 40_000, n * 42_000) for n in range(5000)))

    assert max(abs(place.dts_us - SITE_US - n * 40_000) for n, place in enumerate(places)) <= 1_000_000


def test_picture_that_later_ones_are_shown_before_keeps_its_delay() -> None:
    shown = [2, 5, 3, 4]
    places = placed(*(sample(SITE_US + at * 40_000, n * 40_000, at * 40_000) for n, at in enumerate(shown)))

    assert [(place.dts_us - SITE_US) // 40_000 for place in places] == [0, 1, 2, 3]
    assert [(place.pts_us - SITE_US) // 40_000 for place in places] == shown


def test_pictures_that_tell_display_alone_are_shown_in_that_order() -> None:
    shown = [0, 3, 1, 2, 6, 4, 5, 9, 7, 8]
    places = placed(*(sample(SITE_US + at * 40_000, None, at * 40_000) for at in shown))

    settled = sorted(zip(shown[4:], places[4:], strict=True), key=lambda pair: pair[0])
    assert all(later.pts_us - earlier.pts_us == 40_000 for (_, earlier), (_, later) in pairwise(settled))
