"""A batch is analysed in as many parts as it takes."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from watchpost.analyze import captured_frame
from watchpost.contracts.records import CameraId, Provenance, SkipReason
from watchpost.errors import BatchTooLargeError, RetryableError
from watchpost.inference.analyzer import LoadedFrame, Observation
from watchpost.inference.looking import BatchLimit, seen_in
from watchpost.vision.recording import RecordedFrame

PROVENANCE = Provenance("m", "fp16", "sha256:0", "", "1", "1")


class SmallCard:
    """An analyzer whose memory holds `holds` frames at once; it chokes on those named, and may be out of reach."""

    provenance = PROVENANCE
    degraded = None

    def __init__(self, holds: int = 99, *, chokes_on: str = "", away: bool = False) -> None:
        self.holds, self.chokes_on, self.away = holds, chokes_on, away
        self.asked: list[int] = []

    def analyze(self, frames: Sequence[LoadedFrame]) -> list[Observation | SkipReason]:
        self.asked.append(len(frames))
        if self.away:
            raise RetryableError("the server is away")
        if len(frames) > self.holds:
            raise BatchTooLargeError("the card is full")
        if any(frame.record.frame_id == self.chokes_on for frame in frames):
            raise ZeroDivisionError
        return [Observation((), (), index, PROVENANCE) for index, _ in enumerate(frames)]

    def forget(self, camera: CameraId) -> None:
        """Remember nothing, forget nothing."""


def frames_of(count: int) -> list[LoadedFrame]:
    picture = np.zeros((8, 8, 3), np.uint8)
    records = [captured_frame(RecordedFrame(index, index / 5, picture), CameraId("door")) for index in range(count)]
    return [LoadedFrame(replace(record, frame_id=f"f{index}"), picture) for index, record in enumerate(records)]


class Clock:
    """Seconds that pass when a test says so."""

    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def test_batch_that_memory_does_not_hold_is_halved_and_all_its_frames_are_seen() -> None:
    card, limit = SmallCard(holds=3), BatchLimit(16)

    seen = seen_in(frames_of(16), card, limit)

    assert len(seen) == 16
    assert card.asked[:3] == [16, 8, 4]
    assert set(card.asked[3:]) == {2}


def test_lowered_batch_is_remembered_and_grows_back_after_minutes() -> None:
    clock = Clock()
    card, limit = SmallCard(holds=2), BatchLimit(8, clock)
    seen_in(frames_of(8), card, limit)
    card.asked.clear()

    seen_in(frames_of(8), card, limit)
    assert card.asked == [2, 2, 2, 2]

    clock.now_s += 200
    assert limit.frames == 4
    assert limit.frames == 4
    clock.now_s += 200
    assert limit.frames == 8


def test_frame_that_the_analyzer_chokes_on_takes_no_other_with_it() -> None:
    seen = seen_in(frames_of(5), SmallCard(chokes_on="f2"), BatchLimit(5))

    assert sorted(seen) == ["f0", "f1", "f3", "f4"]


def test_single_frame_that_does_not_fit_is_given_up_and_the_rest_seen() -> None:
    card = SmallCard(holds=0)

    assert seen_in(frames_of(2), card, BatchLimit(2)) == {}
    assert card.asked == [2, 1, 1]


@pytest.mark.parametrize("count", [1, 6])
def test_model_out_of_reach_is_asked_once_a_batch(count: int) -> None:
    card = SmallCard(away=True)

    assert seen_in(frames_of(count), card, BatchLimit(8)) == {}
    assert card.asked == [count]
