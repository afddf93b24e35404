"""A free analyzer begins when waiting gains no more, with a batch that makes no frame late for the others."""

from collections import Counter
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.test_shedding import NOW, frame
from watchpost.contracts.records import CameraId, FrameCaptured
from watchpost.inference.micro_batches import LookTimes, WaitRules, batch_size, in_turn, longest_wait_s

RULES = WaitRules(budget=timedelta(milliseconds=300), most_s=0.020)


def times_of(first_s: float, each_s: float, sizes: range = range(1, 9)) -> LookTimes:
    """As measured of an analyzer that takes so long for a batch, and so much more for each frame in it."""
    times = LookTimes()
    for size in sizes:
        for _ in range(3):
            times.measured(size, first_s + each_s * size)
    return times


def aged(*ages_ms: int) -> list[FrameCaptured]:
    return [frame(f"c{index}", age_ms) for index, age_ms in enumerate(ages_ms)]


@dataclass(frozen=True, slots=True)
class Round:
    """A batch of the simulated worker: when it could have begun, when it did, with which frames."""

    could_begin_s: float
    begun_s: float
    frames: list[FrameCaptured]


def simulated(arrivals: list[tuple[float, FrameCaptured]], most: int, times: LookTimes) -> list[Round]:
    """A worker whose looks take exactly what is expected, from the first arrival until all are answered."""
    rounds: list[Round] = []
    waiting: list[FrameCaptured] = []
    coming = list(arrivals)
    now_s = 0.0
    while coming or waiting:
        if not waiting:
            now_s = max(now_s, coming[0][0])
        could_begin_s = now_s
        while True:
            waiting += [coming.pop(0)[1] for _ in range(sum(at_s <= now_s for at_s, _ in coming))]
            now = NOW + timedelta(seconds=now_s)
            wait_s = longest_wait_s(waiting, now, now_s - could_begin_s, most, times, RULES)
            if wait_s <= 1e-6:
                break
            now_s = min(now_s + wait_s, coming[0][0] if coming else now_s + wait_s)
        size = batch_size(waiting, now, most, times, RULES)
        batch = [waiting[place] for place in in_turn([one.camera for one in waiting], size)]
        waiting = [one for one in waiting if one not in batch]
        rounds.append(Round(could_begin_s, now_s, batch))
        now_s += times.expected_s(size)
    return rounds


@st.composite
def arrivals(draw: st.DrawFn) -> list[tuple[float, FrameCaptured]]:
    """Frames of a few cameras, each a little older than its arrival."""
    found = []
    at_ms = 0
    for number in range(draw(st.integers(1, 30))):
        at_ms += draw(st.integers(0, 60))
        captured = NOW + timedelta(milliseconds=at_ms - draw(st.integers(0, 400)))
        one = replace(
            frame(draw(st.sampled_from("abcd")), 0),
            frame_id=f"f{number:02}",
            captured_at=captured,
            expires_at=captured + timedelta(seconds=draw(st.sampled_from([0.2, 5]))),
        )
        found.append((at_ms / 1000, one))
    return found


looks = st.builds(times_of, st.floats(0, 0.1), st.floats(0.001, 0.1))


@given(arrivals(), st.integers(1, 8), looks)
def test_every_frame_is_in_one_batch_that_is_not_too_large_and_in_its_cameras_order(
    coming: list[tuple[float, FrameCaptured]], most: int, times: LookTimes
) -> None:
    rounds = simulated(coming, most, times)

    assert all(1 <= len(one.frames) <= most for one in rounds)
    looked_at = [seen for one in rounds for seen in one.frames]
    for camera in "abcd":
        own = [seen.frame_id for seen in looked_at if seen.camera == camera]
        assert own == [seen.frame_id for _, seen in coming if seen.camera == camera]


@given(arrivals(), st.integers(1, 8), looks)
def test_no_frame_is_late_because_others_were_waited_for(
    coming: list[tuple[float, FrameCaptured]], most: int, times: LookTimes
) -> None:
    arrived_s = {one.frame_id: at_s for at_s, one in coming}

    for one in simulated(coming, most, times):
        if one.begun_s > one.could_begin_s and len(one.frames) < most:
            done = NOW + timedelta(seconds=one.begun_s + times.expected_s(len(one.frames)) - 1e-5)
            # who came while others waited may have come too late for any batch
            there = [seen for seen in one.frames if arrived_s[seen.frame_id] < one.begun_s]
            assert all(done <= min(seen.captured_at + RULES.budget, seen.expires_at) for seen in there)
        assert one.begun_s - one.could_begin_s <= RULES.most_s + 1e-5


@given(st.lists(st.sampled_from("abcde"), max_size=40), st.integers(1, 16))
def test_batch_is_fair_to_cameras_and_keeps_their_order(waiting: list[str], size: int) -> None:
    cameras = [CameraId(camera) for camera in waiting]

    places = in_turn(cameras, size)

    assert len(places) == len(set(places)) == min(size, len(waiting))
    taken = Counter(cameras[place] for place in places)
    for camera in set(cameras):
        own = [place for place in places if cameras[place] == camera]
        assert own == [place for place, one in enumerate(cameras) if one == camera][: len(own)]
        if taken[camera] < cameras.count(camera):
            assert max(taken.values()) <= taken[camera] + 1


@given(st.lists(st.tuples(st.integers(1, 16), st.floats(0.001, 10)), max_size=60))
def test_more_frames_are_never_expected_to_take_less(measured: list[tuple[int, float]]) -> None:
    times = LookTimes()
    for frames, took_s in measured:
        times.measured(frames, took_s)

    expected = [times.expected_s(frames) for frames in range(34)]

    assert expected == sorted(expected)
    assert expected[0] == 0


def test_look_that_compiled_first_is_forgotten_after_the_next() -> None:
    times = LookTimes()
    times.measured(4, 12.0)

    times.measured(4, 0.05)

    assert times.expected_s(4) == 0.05


def test_analyzer_is_not_kept_waiting_while_nothing_is_known() -> None:
    assert longest_wait_s(aged(0), NOW, 0.0, 8, LookTimes(), RULES) == 0


def test_frames_that_cost_as_much_each_are_not_waited_for_and_not_put_together() -> None:
    detector = times_of(0.0, 0.060)

    assert longest_wait_s(aged(0), NOW, 0.0, 8, detector, RULES) == 0
    assert batch_size(aged(0, 0, 0), NOW, 8, detector, RULES) == 1


def test_frame_is_waited_for_as_long_as_sharing_a_batch_saves() -> None:
    saves_10_ms = times_of(0.010, 0.005)

    assert longest_wait_s(aged(0), NOW, 0.0, 8, saves_10_ms, RULES) == pytest.approx(0.010)
    assert longest_wait_s(aged(0), NOW, 0.006, 8, saves_10_ms, RULES) == pytest.approx(0.004)
    assert longest_wait_s(aged(0), NOW, 0.011, 8, saves_10_ms, RULES) == 0


@pytest.mark.parametrize(("age_ms", "waited_s"), [(0, 0.020), (225, 0.010), (240, 0.0), (1000, 0.0)])
def test_wait_ends_where_the_oldest_frame_would_be_late(age_ms: int, waited_s: float) -> None:
    model = times_of(0.050, 0.005)

    assert longest_wait_s(aged(0, age_ms), NOW, 0.0, 8, model, RULES) == pytest.approx(waited_s)


def test_batch_is_as_large_as_lets_its_oldest_frame_be_in_time() -> None:
    model = times_of(0.020, 0.020)

    # 300 ms less 200 ms: four frames take 100 ms
    assert batch_size(aged(200, 0, 0, 0, 0, 0), NOW, 8, model, RULES) == 4
    # it is late in any batch: the others go with it
    assert batch_size(aged(290, 0, 0, 0, 0, 0), NOW, 8, model, RULES) == 6


def test_batch_is_full_where_more_wait_than_it_takes() -> None:
    assert batch_size(aged(*[290] * 9), NOW, 8, times_of(0.0, 0.060), RULES) == 8
