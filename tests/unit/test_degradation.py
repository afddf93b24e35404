"""A camera's analysis is told of as degraded once a spell, however its frames come, and as well when it is."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes.observations import BEGINNING, SITE, analyzed
from watchpost.contracts.identity import health_event_id
from watchpost.contracts.records import (
    CameraId,
    CaptureReason,
    EventChanged,
    EventPhase,
    EventType,
    FrameAnalyzed,
    Provenance,
    SkipReason,
)
from watchpost.inference.degradation import Degradation
from watchpost.inference.degraded_events import Standing

DOOR, YARD = CameraId("door"), CameraId("yard")
PROVENANCE = Provenance("m", "fp16", "sha256:0", "", "1", "1")
FPS = 5
LETTERS = {
    ".": None,
    "p": SkipReason.PAIRED,
    "o": SkipReason.OVERLOAD,
    "e": SkipReason.EXPIRED,
    "f": SkipReason.ANALYZER_FAILED,
}


class Worker:
    """Answers frames as a script has it, by a clock of its own, and asks every second what is to be told."""

    def __init__(self, left_open: Sequence[EventChanged] = (), session: str = "s1") -> None:
        self.degradation = Degradation(SITE, session, left_open)
        self.now_s = 0.0
        self.degraded: str | None = None
        self.told: list[EventChanged] = []
        self._frames = Counter[CameraId]()

    def standing(self) -> Standing:
        at = BEGINNING + timedelta(seconds=self.now_s)
        return Standing(at, self.now_s, self.degraded, "fewer cameras help", PROVENANCE)

    def lives(self, script: str, *, fps: float = FPS, cameras: Sequence[CameraId] = (DOOR,)) -> "Worker":
        """One frame of each camera a letter; `_` is a gap."""
        for letter in script:
            for camera in cameras if letter != "_" else ():
                self.degradation.answered(self.frame(camera, LETTERS[letter]))
            self.passes(1 / fps)
        return self

    def frame(self, camera: CameraId, skipped: SkipReason | None) -> FrameAnalyzed:
        self._frames[camera] += 1
        return replace(analyzed(self._frames[camera], self.now_s, []), camera=camera, skipped=skipped)

    def passes(self, seconds: float) -> None:
        before_s, self.now_s = self.now_s, self.now_s + seconds
        if int(before_s) != int(self.now_s):
            self.told += self.degradation.check(self.standing())

    @property
    def phases(self) -> list[EventPhase]:
        return [event.phase for event in self.told]


def seconds(letter: str, count: int) -> str:
    return letter * (count * FPS)


def test_overload_is_told_once_with_its_figures_and_what_helps() -> None:
    worker = Worker().lives(seconds(".", 20) + seconds("...oe", 20) + seconds("o", 60))

    (event,) = worker.told
    assert (event.type, event.phase, event.revision) == (EventType.ANALYSIS_DEGRADED, EventPhase.CONFIRMED, 1)
    assert event.detail is not None
    said = r"overload: 4\d of 5[01] frames of the last 10 s were not looked at; fewer cameras help"
    assert re.fullmatch(said, event.detail)
    assert event.event_id == health_event_id(SITE, DOOR, EventType.ANALYSIS_DEGRADED, "s1", 1)
    assert event.at - event.opened_at == timedelta(seconds=5)


def test_overload_is_told_within_fifteen_seconds_of_its_beginning() -> None:
    worker = Worker().lives(seconds(".", 20) + seconds("o", 15))

    assert worker.phases == [EventPhase.CONFIRMED]


@pytest.mark.parametrize("script", ["..o", "..e", "p", "o."])
def test_camera_of_whose_frames_half_and_more_are_looked_at_is_not_degraded(script: str) -> None:
    assert Worker().lives(script * 200).told == []


def test_hold_up_of_a_few_seconds_is_not_told() -> None:
    assert Worker().lives((seconds(".", 30) + seconds("e", 4)) * 5).told == []


def test_event_ends_when_all_has_been_well_for_half_a_minute() -> None:
    worker = Worker().lives(seconds("o", 20) + seconds(".", 60))

    opened, ended = worker.told
    assert (ended.event_id, ended.revision, ended.phase) == (opened.event_id, 2, EventPhase.ENDED)
    assert ended.opened_at == opened.opened_at
    assert ended.at - BEGINNING > timedelta(seconds=20 + 30)
    assert ended.detail is not None
    assert ended.detail.startswith("overload: over after ")


def test_camera_that_is_never_quite_well_keeps_its_event() -> None:
    worker = Worker().lives(seconds("o", 20) + "..o" * 5 * 60)

    assert worker.phases == [EventPhase.CONFIRMED]


def test_spell_after_a_spell_is_another_event() -> None:
    worker = Worker().lives((seconds("o", 20) + seconds(".", 60)) * 2)

    assert worker.phases == [EventPhase.CONFIRMED, EventPhase.ENDED] * 2
    assert len({event.event_id for event in worker.told}) == 2


def test_each_camera_has_an_event_of_its_own() -> None:
    worker = Worker().lives(seconds("o", 20), cameras=[DOOR, YARD])

    assert {event.camera for event in worker.told} == {DOOR, YARD}
    assert len({event.event_id for event in worker.told}) == 2


def test_analyzer_that_fails_is_told_as_such_and_revises_an_event_of_overload_once() -> None:
    worker = Worker().lives(seconds("o", 20) + seconds("f", 20) + seconds("o", 20) + seconds("f", 20))

    first, second = worker.told
    assert (first.event_id, second.revision, second.phase) == (second.event_id, 2, EventPhase.CONFIRMED)
    assert second.detail is not None
    assert second.detail.startswith("analyzer_failed: ")


def test_frames_that_are_shed_and_frames_that_fail_count_together() -> None:
    assert Worker().lives("oof." * 60).phases == [EventPhase.CONFIRMED]


def test_fall_back_in_use_is_told_in_the_analyzers_words_until_it_is_over() -> None:
    worker = Worker()
    worker.degraded = "the model does not answer, the detector does"
    worker.lives(seconds(".", 20))
    worker.degraded = None
    worker.lives(seconds(".", 40))

    opened, ended = worker.told
    assert opened.detail == "fallback: the model does not answer, the detector does"
    assert ended.phase is EventPhase.ENDED


def test_camera_whose_frames_stop_is_no_longer_degraded() -> None:
    worker = Worker().lives(seconds("o", 20) + seconds("_", 60))

    assert worker.phases == [EventPhase.CONFIRMED, EventPhase.ENDED]
    assert worker.told[1].detail is not None
    assert "no frame of it has come" in worker.told[1].detail


def test_what_waited_while_nobody_had_the_camera_is_not_held_against_the_worker() -> None:
    worker = Worker()
    late = [replace(frame, captured_at=frame.captured_at - timedelta(seconds=20 - number / FPS))
            for number in range(100) for frame in [worker.frame(DOOR, SkipReason.EXPIRED)]]  # fmt: skip
    for frame in late:
        worker.degradation.answered(frame)

    assert worker.lives(seconds(".", 60)).told == []


def test_clock_of_a_stream_that_is_far_behind_does_not_hide_an_overload() -> None:
    worker = Worker()
    for _ in range(60 * FPS):
        frame = worker.frame(DOOR, SkipReason.EXPIRED)
        worker.degradation.answered(replace(frame, captured_at=frame.captured_at - timedelta(hours=1)))
        worker.passes(1 / FPS)

    assert worker.phases == [EventPhase.CONFIRMED]


def test_frames_of_a_burst_count_for_nothing() -> None:
    worker = Worker().lives(seconds(".", 20))
    for _ in range(500):
        frame = replace(worker.frame(DOOR, SkipReason.OVERLOAD), reason=CaptureReason.BURST)
        worker.degradation.answered(frame)

    assert worker.lives(seconds(".", 20)).told == []


def test_camera_of_one_frame_in_ten_seconds_is_judged_by_its_last_five() -> None:
    worker = Worker().lives("o" * 12, fps=0.1)

    (event,) = worker.told
    assert event.detail is not None
    assert event.detail.startswith("overload: 5 of 5 frames of the last 40 s")


def test_wedge_concerns_every_camera_of_the_worker_also_those_never_answered() -> None:
    worker = Worker().lives(seconds(".", 20) + seconds("o", 20))

    told = worker.degradation.wedged([YARD], 60, worker.standing())

    assert [(event.camera, event.revision) for event in told] == [(DOOR, 2), (YARD, 1)]
    assert all(event.detail and event.detail.startswith("wedged: ") and "60 s" in event.detail for event in told)
    assert told[1].at - told[1].opened_at == timedelta(seconds=60)


def test_successor_tells_on_under_the_same_id_and_ends_what_is_well() -> None:
    first = Worker()
    first.degradation.wedged([DOOR, YARD], 60, first.standing())
    successor = Worker(first.degradation.open_events, session="s2")

    successor.lives(seconds(".", 60), cameras=[DOOR])

    left = {event.camera: event for event in first.degradation.open_events}
    # the yard is another worker's now
    assert {event.camera: event.event_id for event in successor.told} == {
        camera: event.event_id for camera, event in left.items()
    }
    assert [(event.phase, event.revision) for event in successor.told] == [(EventPhase.ENDED, 2)] * 2
    assert successor.degradation.open_events == ()


def test_event_that_a_successor_opens_is_never_one_of_the_first_workers() -> None:
    first = Worker(session="s1").lives(seconds("o", 20))
    second = Worker(session="s2").lives(seconds("o", 20))

    assert first.told[0].event_id != second.told[0].event_id


SCRIPTS = st.lists(
    st.tuples(st.sampled_from(["o", "e", "f", ".", "p", "_", ".o", "...o", "of"]), st.integers(1, 40)), max_size=8
)


def _by_event(told: Sequence[EventChanged]) -> Iterator[list[EventChanged]]:
    for event_id in dict.fromkeys(event.event_id for event in told):
        yield [event for event in told if event.event_id == event_id]


@settings(max_examples=40)
@given(script=SCRIPTS, falls_back=st.booleans())
def test_events_never_overlap_nor_flap_whatever_becomes_of_the_frames(
    script: list[tuple[str, int]],
    falls_back: bool,  # noqa: FBT001  (hypothesis gives it by name)
) -> None:
    worker = Worker()
    for number, (letters, times) in enumerate(script):
        worker.degraded = "slow" if falls_back and number % 2 else None
        worker.lives((letters * times * FPS)[: times * FPS])

    # one at a time: the revisions of an event stand together
    assert [event for revisions in _by_event(worker.told) for event in revisions] == worker.told
    for revisions in _by_event(worker.told):
        assert [event.revision for event in revisions] == list(range(1, len(revisions) + 1))
        assert len(revisions) <= 4, "opened, for two more causes, ended"
        assert all(event.phase is EventPhase.CONFIRMED for event in revisions[:-1])
        if revisions[-1].phase is EventPhase.ENDED:
            assert revisions[-1].at - revisions[0].at >= timedelta(seconds=29)
    ends = [event.at for event in worker.told if event.phase is EventPhase.ENDED]
    opens = [event.at for event in worker.told if event.revision == 1]
    assert all(after - before >= timedelta(seconds=5) for before, after in zip(ends, opens[1:], strict=False))


@settings(max_examples=40)
@given(script=SCRIPTS)
def test_every_event_ends_once_all_is_well(script: list[tuple[str, int]]) -> None:
    worker = Worker()
    for letters, times in script:
        worker.lives((letters * times * FPS)[: times * FPS])

    worker.lives(seconds(".", 60))

    assert worker.degradation.open_events == ()
    assert all(revisions[-1].phase is EventPhase.ENDED for revisions in _by_event(worker.told))
