"""captured_at: the stream's time on the site's clock."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from watchpost.ingest.stream_clock import WITHIN_US, Mapped, SteadyTime, StreamClock

SECOND_US = 1_000_000
NOW_US = 1_790_000_000 * SECOND_US
FRAME_US = 40_000

# what happens between two pictures: how far the stream's time and the clock go on
STEPS = st.lists(
    st.tuples(
        st.one_of(st.just(FRAME_US), st.none(), st.integers(-10 * SECOND_US, 60 * SECOND_US)),
        st.one_of(st.just(FRAME_US), st.integers(0, 20 * SECOND_US)),
    ),
    max_size=200,
)


def mapped(streams_us: list[int], arrivals_us: list[int]) -> list[Mapped]:
    clock = StreamClock()
    return [clock.map(stream, arrival) for stream, arrival in zip(streams_us, arrivals_us, strict=True)]


def frames(count: int) -> list[int]:
    return [n * FRAME_US for n in range(count)]


@given(STEPS, st.one_of(st.none(), st.integers(NOW_US - 3 * SECOND_US, NOW_US + SECOND_US)))
def test_whatever_the_camera_does_times_rise_and_stay_within_two_seconds_of_arrival(
    steps: list[tuple[int | None, int]], sender_offset_us: int | None
) -> None:
    clock, stream_us, arrival_us, before_us = StreamClock(), 0, NOW_US, 0
    for stream_step_us, arrival_step_us in steps:
        arrival_us += arrival_step_us
        stream_us += stream_step_us or 0

        seen = clock.map(None if stream_step_us is None else stream_us, arrival_us, sender_offset_us)

        assert seen.captured_us > before_us
        # pictures that arrive at the very same instant are a microsecond apart
        assert arrival_us - WITHIN_US <= seen.captured_us <= arrival_us + len(steps)
        before_us = seen.captured_us


@settings(max_examples=20)
@given(st.lists(st.integers(0, 300_000), min_size=250, max_size=300), st.integers(-(10**12), 10**12))
def test_jitter_of_the_network_leaves_the_pace_of_the_stream(delays_us: list[int], camera_us: int) -> None:
    count = len(delays_us)
    streams = [camera_us + at for at in frames(count)]
    arrivals: list[int] = []
    for n, delay_us in enumerate(delays_us):
        arrivals.append(max(NOW_US + n * FRAME_US + delay_us, arrivals[-1] if arrivals else 0))

    captured = [seen.captured_us for seen in mapped(streams, arrivals)]

    settled = captured[125:]
    gaps = [after - before for before, after in pairwise(settled)]
    elapsed = settled[-1] - settled[0]
    assert abs(elapsed - FRAME_US * (len(settled) - 1)) <= 300_000
    # an arrival gap of at most 0.34 s is slewed by 5 % at most, and never stepped forward
    assert max(gaps) <= FRAME_US + 340_000 * 0.05 + 1


@settings(max_examples=20)
@given(st.floats(-200e-6, 200e-6))
def test_camera_whose_crystal_drifts_is_followed_for_ten_minutes(drift: float) -> None:
    clock = StreamClock()
    for n in range(600 * 5):
        at_us = n * 200_000

        seen = clock.map(round(at_us * (1 + drift)), NOW_US + at_us)

        assert not seen.is_stale
        assert NOW_US + at_us - seen.captured_us < 10_000


def test_camera_clock_that_jumps_back_begins_anew() -> None:
    streams = [*frames(50), *frames(50)]
    arrivals = [NOW_US + at for at in frames(100)]

    seen = mapped(streams, arrivals)

    assert [frame.captured_us for frame in seen] == arrivals
    assert not any(frame.is_stale for frame in seen)


def test_camera_clock_that_jumps_forward_begins_anew() -> None:
    streams = [*frames(50), *(3600 * SECOND_US + at for at in frames(50))]
    arrivals = [NOW_US + at for at in frames(100)]

    assert [frame.captured_us for frame in mapped(streams, arrivals)] == arrivals


def test_backlog_of_a_stall_is_stale_until_it_is_made_up_for() -> None:
    before, held_up, after = 50, 250, 100
    streams = frames(before + held_up + after)
    arrivals = [NOW_US + at for at in streams]
    resumes_us = arrivals[before + held_up]
    for n in range(before, before + held_up):
        arrivals[n] = resumes_us - (before + held_up - n) * 1000

    seen = mapped(streams, arrivals)

    late = [frame.is_stale for frame in seen]
    assert not any(late[:before])
    assert all(late[before : before + held_up - 52])  # the last two seconds of it are live, and say when they were
    assert not any(late[before + held_up :])
    assert [frame.captured_us for frame in seen[-after:]] == arrivals[-after:]


def test_backlog_at_the_begin_of_a_connection_is_stale_from_its_fourth_picture_on() -> None:
    streams = frames(125)
    arrivals = [NOW_US + max(n, n * 40 - 24 * 40 + 24) * 1000 for n in range(125)]

    seen = mapped(streams, arrivals)

    late = [frame.is_stale for frame in seen]
    assert not any(late[:3])
    assert all(late[4:25])
    assert not any(late[26:])


def test_stream_that_pauses_without_telling_is_live_again_after_two_seconds() -> None:
    streams = frames(200)
    arrivals = [NOW_US + at + (30 * SECOND_US if n >= 50 else 0) for n, at in enumerate(streams)]

    late = [frame.is_stale for frame in mapped(streams, arrivals)]

    assert all(late[50:100])
    assert not any(late[103:])


def test_sender_s_clock_is_slewed_to_where_it_is_right() -> None:
    clock = StreamClock()
    # 300 ms from the lens to here, of which arrival alone knows nothing
    seen = [clock.map(at, NOW_US + at + 300_000, NOW_US).captured_us - NOW_US - at for at in frames(250)]

    assert seen[0] == 300_000
    assert all(0 <= before - after <= FRAME_US * 0.05 for before, after in pairwise(seen))
    assert seen[-1] == 0


def test_sender_s_clock_is_ignored_where_it_is_wrong() -> None:
    for wrong_us in (-3600 * SECOND_US, -SECOND_US - 1, 1, 3600 * SECOND_US):
        clock = StreamClock()

        seen = [clock.map(at, NOW_US + at, NOW_US + wrong_us).captured_us for at in frames(250)]

        assert seen == [NOW_US + at for at in frames(250)]


def test_new_connection_has_a_new_time() -> None:
    clock = StreamClock()
    clock.map(90 * SECOND_US, NOW_US)

    clock.forget()

    assert clock.map(91 * SECOND_US, NOW_US + 60 * SECOND_US) == Mapped(NOW_US + 60 * SECOND_US)


def test_clock_set_back_by_an_hour_slows_pictures_down_and_keeps_their_order() -> None:
    steady = SteadyTime()
    steady.at(NOW_US, 0)

    times = [steady.at(NOW_US - 3600 * SECOND_US + n * SECOND_US, n * SECOND_US) for n in range(1, 100)]

    assert times[0] == NOW_US + 950_000
    assert all(after - before == 950_000 for before, after in pairwise(times))


def test_clock_set_forward_is_followed_at_once() -> None:
    steady = SteadyTime()
    steady.at(NOW_US, 0)

    assert steady.at(NOW_US + 3600 * SECOND_US, SECOND_US) == NOW_US + 3600 * SECOND_US
