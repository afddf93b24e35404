"""What answers to questions become: events of the task's name, from several answers that agree, and never from one."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.observations import DOG, RULES, acted, folded, replied
from watchpost.contracts.records import (
    Answer,
    CaptureReason,
    EventChanged,
    EventPhase,
    EventType,
    FrameAnalyzed,
    Question,
    SkipReason,
    Task,
    ThumbnailReason,
)
from watchpost.events.identity import event_id
from watchpost.events.logic import AnswerRules, Outputs
from watchpost.events.rules import rules_from
from watchpost.settings import settings_from

CANDIDATE, CONFIRMED = EventPhase.CANDIDATE, EventPhase.CONFIRMED
ENDED, WITHDRAWN = EventPhase.ENDED, EventPhase.WITHDRAWN
_SCRIPTS = st.text("ynm?.", max_size=60)
_FALL = Question(EventType.FALL_DETECTED, "", 0.5)


def events_of(outputs: Sequence[Outputs], kind: str = DOG.name) -> list[EventChanged]:
    return [event for output in outputs for event in output.events if event.type == kind]


def told(frames: Sequence[FrameAnalyzed], kind: str = DOG.name) -> list[tuple[str, EventPhase]]:
    """The frame and the phase of each event of this kind."""
    _, outputs = folded(frames)
    return [
        (frame.frame_id, event.phase)
        for frame, output in zip(frames, outputs, strict=True)
        for event in output.events
        if event.type == kind
    ]


def fallen(script: str) -> list[FrameAnalyzed]:
    """Frames that were asked for falls, without a detector alongside."""
    asked = replied(script, question=_FALL, tasks=(Task.ABNORMAL_BEHAVIOR,))
    assigned = replace(asked[0].assignment, tasks=(Task.ABNORMAL_BEHAVIOR.value,), questions=())
    return [replace(frame, assignment=assigned) for frame in asked]


@pytest.mark.parametrize(
    ("script", "fps", "said"),
    [
        ("nnn", 1, []),
        ("nnynnn", 1, []),
        ("nyyyn", 1, [(2, CANDIDATE), (3, CONFIRMED)]),
        ("ynyny", 1, [(2, CANDIDATE), (4, CONFIRMED)]),
        ("ynnynnnn", 1, [(3, CANDIDATE), (6, WITHDRAWN)]),
        ("yyyyyyy", 5, [(1, CANDIDATE), (5, CONFIRMED)]),  # three of five, and a second
        ("y" * 12, 10, [(1, CANDIDATE), (10, CONFIRMED)]),
        ("yyynnnn", 1, [(1, CANDIDATE), (2, CONFIRMED), (5, ENDED)]),
        ("ynnyynyyy", 1, [(3, CANDIDATE), (4, CONFIRMED)]),  # what was said before it opened does not end it
        ("yyynynyy", 1, [(1, CANDIDATE), (2, CONFIRMED)]),
        ("yyymmmmmmmm", 1, [(1, CANDIDATE), (2, CONFIRMED)]),  # 0.45 is below 0.5, and not clearly
        ("mmmmm", 1, []),
        ("y?y?.?y", 1, [(2, CANDIDATE), (6, CONFIRMED)]),
        ("yyy????????", 1, [(1, CANDIDATE), (2, CONFIRMED)]),
    ],
)
def test_answers_that_agree_make_and_end_an_event(script: str, fps: float, said: list[tuple[int, EventPhase]]) -> None:
    assert told(replied(script, fps)) == [(f"frame-{number}", phase) for number, phase in said]


def test_event_is_of_the_task_s_name_and_says_what_was_asked() -> None:
    frames = replied("nyyyy", 1)

    candidate, confirmed = events_of(folded(frames)[1])

    assert {candidate.event_id, confirmed.event_id} == {
        event_id(frames[0].site, frames[0].camera, DOG.name, candidate_frame(frames), 0)
    }
    assert (candidate.revision, confirmed.revision) == (1, 2)
    assert confirmed.detail == DOG.question
    assert confirmed.opened_at == candidate.at
    assert confirmed.confidence == pytest.approx(0.9)
    assert confirmed.provenance.config_version == RULES.config_version
    assert confirmed.box is None


def candidate_frame(frames: Sequence[FrameAnalyzed]) -> str:
    return next(frame_id for frame_id, phase in told(frames) if phase is CANDIDATE)


def test_thumbnail_is_cut_for_a_confirmed_event_alone() -> None:
    _, outputs = folded(replied("yyyy", 1))

    pictures = [request for output in outputs for request in output.thumbnails]

    (confirmed,) = (event for event in events_of(outputs) if event.phase is CONFIRMED)
    assert [(request.thumbnail_id, request.event_id) for request in pictures] == [
        (confirmed.thumbnail_id, confirmed.event_id)
    ]
    assert pictures[0].reason is ThumbnailReason.EVENT


def test_threshold_of_the_task_is_what_counts() -> None:
    strict = replace(DOG, threshold=0.95)
    lenient = replace(DOG, threshold=0.05)  # what says no with 0.9 says yes with 0.1

    assert told(replied("yyyyy", 1, question=strict)) == []
    assert told(replied("nnn", 1, question=lenient))[-1] == ("frame-2", CONFIRMED)


def test_event_that_ended_is_followed_by_none_before_the_cool_down_is_over() -> None:
    frames = replied("yyynnn" + "y" * 40, 1)
    cool_down_s = int(RULES.answers.cool_down_s)

    said = told(frames)

    assert said[:3] == [("frame-1", CANDIDATE), ("frame-2", CONFIRMED), ("frame-5", ENDED)]
    assert said[3:] == [(f"frame-{5 + cool_down_s}", CONFIRMED)]


def test_skipped_and_burst_frames_count_as_nothing() -> None:
    frames = replied("yyyyyy", 1)
    skipped = [replace(frame, skipped=SkipReason.PAIRED) for frame in frames]
    burst = [replace(frame, reason=CaptureReason.BURST) for frame in frames]

    assert told(skipped) == told(burst) == []
    assert told([frames[0], skipped[1], burst[2], frames[3]]) == [("frame-3", CANDIDATE)]


@pytest.mark.parametrize("change", ["removed", "asked otherwise"])
def test_event_of_a_task_that_is_gone_ends_and_says_why(change: str) -> None:
    state, _ = folded(replied("yyy", 1))
    other = replace(DOG, question="Is a cat there?")
    after = replied("...n", 1, question=other)[3]
    if change == "removed":
        after = replace(after, answers=(), assignment=replace(after.assignment, questions=()))

    state, outputs = folded([after], state=state)

    (ended,) = events_of(outputs)
    assert (ended.phase, ended.detail) == (ENDED, f"{DOG.question}: the task was removed or changed")
    assert all(ballot.question == other for ballot in state.answers.ballots)


def test_event_ends_when_nothing_is_answered_for_long() -> None:
    frames = replied("yyy" + "?" * 40, 1)

    assert told(frames)[-1] == (f"frame-{2 + int(RULES.answers.lost_s)}", ENDED)


def test_answers_from_before_a_long_silence_count_no_more() -> None:
    before, after = replied("yy", 1), replied("..yn", 1)[2:]
    late = [replace(frame, captured_at=frame.captured_at + timedelta(seconds=60)) for frame in after]

    assert told([*before, *late]) == [("frame-1", CANDIDATE), ("frame-2", WITHDRAWN)]


def test_two_tasks_of_a_camera_are_counted_apart() -> None:
    cat = Question("cat_loose", "Is there a cat?", 0.5)
    frames = [
        replace(
            frame,
            answers=(*frame.answers, Answer("cat_loose", "no", 0.9)),
            assignment=replace(frame.assignment, questions=(DOG, cat)),
        )
        for frame in replied("yyyy", 1)
    ]

    assert told(frames)[-1] == ("frame-2", CONFIRMED)
    assert told(frames, "cat_loose") == []


def test_fall_is_told_from_answers_where_no_detector_runs_alongside() -> None:
    frames = fallen("nyyyyyyy")

    assert told(frames, EventType.FALL_DETECTED) == [("frame-2", CANDIDATE), ("frame-6", CONFIRMED)]
    (burst,) = (command for output in folded(frames)[1] for command in output.commands)
    assert burst.event_id == events_of(folded(frames)[1], EventType.FALL_DETECTED)[0].event_id


def test_fall_that_the_detector_told_is_not_told_again_from_answers() -> None:
    detected = acted("uuuuulllll")
    answered = [replace(frame, captured_at=frame.captured_at + timedelta(seconds=2)) for frame in fallen("y" * 10)]

    falls = told([*detected, *answered], EventType.FALL_DETECTED)

    assert [phase for _, phase in falls] == [CANDIDATE, CONFIRMED]


def test_fall_that_answers_told_is_not_told_again_by_the_detector() -> None:
    answered = fallen("y" * 8)
    detected = [replace(frame, captured_at=frame.captured_at + timedelta(seconds=2)) for frame in acted("uuuuulllll")]

    falls = told([*answered, *detected], EventType.FALL_DETECTED)

    assert [phase for _, phase in falls] == [CANDIDATE, CONFIRMED]


def test_figures_are_the_settings_own() -> None:
    chosen = {"answers_needed": 2, "answers_of": 4, "answers_span_ms": 500, "cool_down_s": 7}

    assert rules_from(settings_from({"events": chosen})).answers == AnswerRules(
        needed=2, of=4, span_s=0.5, cool_down_s=7
    )


@given(_SCRIPTS, st.sampled_from([0.5, 1.0, 5.0, 12.5]))
def test_phases_follow_each_other_and_no_event_is_told_from_fewer_answers_than_it_takes(
    script: str, fps: float
) -> None:
    frames = replied(script, fps)
    state, outputs = folded(frames)
    revisions: dict[str, list[EventChanged]] = {}
    for event in events_of(outputs):
        revisions.setdefault(event.event_id, []).append(event)

    for life in revisions.values():
        assert [event.revision for event in life] == list(range(1, len(life) + 1))
        assert tuple(event.phase for event in life) in {
            (CANDIDATE,),
            (CONFIRMED,),
            (CANDIDATE, CONFIRMED),
            (CANDIDATE, WITHDRAWN),
            (CONFIRMED, ENDED),
            (CANDIDATE, CONFIRMED, ENDED),
        }
        for event in life:
            number = next(n for n, frame in enumerate(frames) if frame.captured_at == event.at)
            if event.phase is CONFIRMED:
                assert script[: number + 1].count("y") >= RULES.answers.needed
                assert script[number] == "y"
            if event.phase in {ENDED, WITHDRAWN} and script[number] not in "?.":
                assert script[: number + 1].count("n") >= RULES.answers.needed
    assert all(len(ballot.votes) <= max(5, fps + 2) for ballot in state.answers.ballots)


@given(_SCRIPTS, st.data())
def test_state_may_be_saved_and_frames_read_again_anywhere(script: str, data: st.DataObject) -> None:
    frames = replied(script)
    cut = data.draw(st.integers(0, len(frames)))
    whole = folded(frames)
    state, before = folded(frames[:cut])
    again = data.draw(st.integers(0, cut))

    state, after = folded(frames[again:], state=state)

    assert state == whole[0]
    assert events_of([*before, *after]) == events_of(whole[1])


@given(_SCRIPTS)
def test_answers_that_are_unsure_change_nothing(script: str) -> None:
    frames = replied(script, 1)
    sure = [frame for frame, letter in zip(frames, script, strict=True) if letter not in "?."]
    within = [frame for frame in frames if (frame.captured_at - frames[0].captured_at).total_seconds() < 30]

    assert told(within) == told([frame for frame in sure if frame in within])
