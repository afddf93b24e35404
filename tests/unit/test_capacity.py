"""How many frames a second a worker can look at, however idle it is, and how many it is asked for."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.observations import analyzed
from watchpost.analyze import captured_frame
from watchpost.contracts.records import CameraId, CaptureReason, FrameAnalyzed, Provenance, SkipReason
from watchpost.inference.analyzer import LoadedFrame, Observation
from watchpost.inference.capacity import Capacity, MeteredAnalyzer
from watchpost.inference.demand import Demand, Overdemand
from watchpost.vision.recording import RecordedFrame

DOOR, YARD = CameraId("door"), CameraId("yard")


def sent(demand: Demand, seconds: float, fps: float, *, late_s: float = 0, camera: CameraId = DOOR) -> None:
    """Frames of a camera, answered so late."""
    for number in range(round(seconds * fps)):
        at_s = number / fps
        demand.answered(replace(analyzed(number, at_s, []), camera=camera), at_s + late_s)


def test_capacity_is_unknown_before_the_first_batch() -> None:
    assert Capacity().fps(100) is None


def test_capacity_follows_the_time_for_a_batch_and_not_the_time_between_them() -> None:
    capacity = Capacity()

    for number in range(20):
        capacity.took(4, 0.5, now_s=number * 30)

    assert capacity.fps(20 * 30) == 8


def test_first_batch_that_takes_long_does_not_count_for_long() -> None:
    capacity = Capacity()
    capacity.took(4, 40, now_s=0)

    for number in range(4):
        capacity.took(4, 0.5, now_s=41 + number)

    assert capacity.fps(45) == 8


def test_full_batches_say_what_the_analyzer_can_do_and_lone_frames_do_not_lower_it() -> None:
    capacity = Capacity()
    capacity.took(8, 0.1, now_s=0)

    for number in range(50):
        capacity.took(1, 0.05, now_s=number)

    assert capacity.fps(50) == pytest.approx(80)


def test_analyzer_that_became_slower_is_told_as_such_by_its_latest_batches() -> None:
    capacity = Capacity()
    for number in range(100):
        capacity.took(4, 0.1, now_s=number)

    for number in range(10):
        capacity.took(4, 1, now_s=100 + number)

    assert capacity.fps(110) == 4


def test_what_was_measured_long_ago_does_not_count_any_more() -> None:
    capacity = Capacity()
    capacity.took(8, 0.1, now_s=0)
    capacity.took(1, 0.1, now_s=3000)

    assert capacity.fps(3001) == 10
    assert capacity.fps(9999) == 10, "nothing newer is known"


@given(batches=st.lists(st.tuples(st.integers(1, 16), st.floats(0.01, 10), st.floats(0, 5)), min_size=1, max_size=60))
def test_capacity_is_never_beyond_the_fastest_batch_nor_below_the_slowest(
    batches: list[tuple[int, float, float]],
) -> None:
    capacity, now_s = Capacity(), 0.0
    for frames, took_s, idle_s in batches:
        now_s += took_s + idle_s
        capacity.took(frames, took_s, now_s)

    fps = capacity.fps(now_s)

    speeds = [frames / took_s for frames, took_s, _ in batches]
    assert fps is not None
    assert min(speeds) * 0.999 <= fps <= max(speeds) * 1.001


def test_demand_is_what_the_cameras_send_whatever_became_of_it() -> None:
    demand = Demand()
    for number in range(200):
        at_s = number / 5
        for camera in (DOOR, YARD):
            skipped = SkipReason.OVERLOAD if number % 3 else None
            demand.answered(replace(analyzed(number, at_s, []), camera=camera, skipped=skipped), at_s)

    assert demand.fps(40) == pytest.approx(10, rel=0.05)


def test_frames_that_waited_and_are_answered_at_once_do_not_raise_the_demand() -> None:
    demand = Demand()
    for number in range(200):
        demand.answered(analyzed(number, number / 5, []), now_s=500)

    assert demand.fps(500) == pytest.approx(5, rel=0.05)


def test_demand_is_unknown_at_first_and_none_when_frames_stop() -> None:
    demand = Demand()
    assert demand.fps(0) is None

    sent(demand, 2, fps=5)
    early = demand.fps(2)
    sent(demand, 20, fps=5)

    assert early is None
    assert demand.fps(20) == pytest.approx(5, rel=0.1)
    assert demand.fps(60) == 0


def test_burst_raises_no_demand() -> None:
    demand = Demand()
    sent(demand, 20, fps=5)
    for number in range(500):
        burst: FrameAnalyzed = replace(analyzed(number, number / 25, []), reason=CaptureReason.BURST)
        demand.answered(burst, 20)

    assert demand.fps(20) == pytest.approx(5, rel=0.1)


def test_demand_beyond_capacity_is_said_after_half_a_minute_and_taken_back_after_another() -> None:
    overdemand = Overdemand()

    said = [overdemand.check(12, 10, now_s) for now_s in range(60)]
    taken_back = [overdemand.check(9, 10, 60 + now_s) for now_s in range(60)]

    assert said == [False] * 30 + [True] * 30
    assert taken_back == [True] * 30 + [False] * 30


def test_demand_that_is_beyond_capacity_now_and_then_is_not_said() -> None:
    overdemand = Overdemand()

    assert not any(overdemand.check(12 if now_s % 20 else 9, 10, now_s) for now_s in range(200))


@pytest.mark.parametrize(("demand_fps", "capacity_fps"), [(None, 10.0), (12.0, None), (10.0, 10.0)])
def test_figure_that_is_not_known_or_not_exceeded_is_never_said(
    demand_fps: float | None, capacity_fps: float | None
) -> None:
    overdemand = Overdemand()

    assert not any(overdemand.check(demand_fps, capacity_fps, now_s) for now_s in range(100))


class Slow:
    """An analyzer that takes half a second of a clock that the test reads."""

    provenance = Provenance("m", "fp16", "sha256:0", "", "1", "1")
    degraded = "slow today"

    def __init__(self) -> None:
        self.now_s = 0.0
        self.fails = False
        self.forgotten: list[CameraId] = []

    def analyze(self, frames: Sequence[LoadedFrame]) -> list[Observation | SkipReason]:
        self.now_s += 0.5
        if self.fails:
            raise RuntimeError("no picture")
        return [SkipReason.PAIRED for _ in frames]

    def forget(self, camera: CameraId) -> None:
        self.forgotten.append(camera)


def loaded(camera: CameraId) -> LoadedFrame:
    picture = np.zeros((8, 8, 3), np.uint8)
    return LoadedFrame(captured_frame(RecordedFrame(0, 0.0, picture), camera), picture)


def test_metered_analyzer_measures_what_was_looked_at_and_knows_whose_it_was() -> None:
    slow, capacity = Slow(), Capacity()
    metered = MeteredAnalyzer(slow, capacity, lambda: slow.now_s)

    found = metered.analyze([loaded(DOOR), loaded(YARD)])

    assert list(found) == [SkipReason.PAIRED] * 2
    assert capacity.fps(slow.now_s) == 4
    assert metered.cameras == {DOOR, YARD}


def test_batch_that_failed_measures_nothing_and_its_cameras_are_known() -> None:
    slow, capacity = Slow(), Capacity()
    slow.fails = True
    metered = MeteredAnalyzer(slow, capacity, lambda: slow.now_s)

    with pytest.raises(RuntimeError, match="no picture"):
        metered.analyze([loaded(DOOR)])

    assert capacity.fps(slow.now_s) is None
    assert metered.cameras == {DOOR}


def test_all_else_of_a_metered_analyzer_is_the_analyzers_own() -> None:
    slow = Slow()
    metered = MeteredAnalyzer(slow, Capacity())

    metered.forget(DOOR)

    assert slow.forgotten == [DOOR]
    assert (metered.provenance, metered.degraded) == (slow.provenance, "slow today")
