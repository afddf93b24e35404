"""When ingest is asked for more pictures of somebody who is followed: who counts, how often, and what never asks."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.fakes.observations import BEGINNING, RULES, acted, analyzed, folded, person
from tests.fakes.specs import assignment
from watchpost.contracts.records import CaptureReason, Command, CommandKind, FrameAnalyzed, SkipReason, Task
from watchpost.events.logic import CameraState, decode_state, encode_state


def asked(frames: Sequence[FrameAnalyzed], state: CameraState | None = None) -> list[Command]:
    _, outputs = folded(frames, state=state)
    return [one for given in outputs for one in given.commands if one.kind is CommandKind.FOLLOW]


def asked_s(frames: Sequence[FrameAnalyzed], state: CameraState | None = None) -> list[float]:
    """When it was asked, in seconds after the beginning."""
    return [(command.around - BEGINNING).total_seconds() for command in asked(frames, state)]


def test_somebody_who_stays_is_asked_for_every_two_seconds_and_once_more_when_the_track_ends() -> None:
    frames = acted("u" * 51 + "." * 50)

    # known after a second; seen last at 10.0 and given up with the first frame after 13.0
    assert asked_s(frames) == [1.0, 2.0, 4.0, 6.0, 8.0, 10.0, 12.0, 13.2]


def test_command_holds_five_seconds_from_its_frame_on() -> None:
    first = asked(acted("u" * 10))[0]

    assert (first.around, first.before_ms, first.after_ms) == (BEGINNING + timedelta(seconds=1), 0, 5_000)
    assert (first.camera, first.event_id, first.requested_by) == ("door", None, "events")


@pytest.mark.parametrize("fps", [1.0, 5.0, 10.0])
def test_it_is_asked_as_often_whatever_the_rate_of_the_frames(fps: float) -> None:
    later = [at_s for at_s in asked_s(acted("u" * round(30 * fps), fps)) if at_s > 2]

    assert later == [4.0 + 2 * n for n in range(13)]


def test_two_people_are_asked_for_together_until_the_last_is_gone() -> None:
    pair, one = [person("u", -0.3), person("u", 0.3)], [person("u", 0.3)]
    frames = [analyzed(n, n / 5, pair if n < 25 else one if n < 75 else []) for n in range(110)]

    assert asked_s(frames) == [1.0, 2.0, 4.0, 6.0, 8.0, 10.0, 12.0, 14.0, 16.0, 18.0]


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("..u.................", "one frame shows it"),
        ("u.......u...........", "two frames do"),
        ("uuuuu...............", "many do, of less than a second"),
        ("....................", "nobody is there"),
    ],
)
def test_what_is_not_somebody_for_sure_keeps_no_camera_awake(script: str, why: str) -> None:
    assert asked_s(acted(script)) == [], why


def test_box_that_is_too_doubtful_to_begin_a_track_keeps_no_camera_awake() -> None:
    assert asked_s([analyzed(n, n / 5, [person(score=0.4)]) for n in range(30)]) == []


def test_camera_without_a_task_that_follows_people_is_not_asked_for_more() -> None:
    assert asked_s(acted("u" * 30, asked=assignment(Task.PERSON_DETECTION))) == []


def test_camera_whose_task_is_removed_is_let_go_as_if_the_track_had_ended() -> None:
    before = acted("u" * 26)
    after = acted("u" * 50, first=26, asked=assignment(Task.PERSON_DETECTION))

    assert asked_s([*before, *after]) == [1.0, 2.0, 4.0, 6.0, 8.0, 8.2]


@pytest.mark.parametrize("skipped", [SkipReason.EXPIRED, SkipReason.OVERLOAD, SkipReason.PAIRED])
def test_frame_that_nobody_looked_at_does_not_ask(skipped: SkipReason) -> None:
    state, _ = folded(acted("u" * 8))

    assert asked_s([replace(frame, skipped=skipped) for frame in acted("u" * 20, first=8)], state) == []


def test_burst_frame_does_not_ask() -> None:
    state, _ = folded(acted("u" * 8))

    assert asked_s([replace(frame, reason=CaptureReason.BURST) for frame in acted("u" * 20, first=8)], state) == []


def test_frame_that_is_answered_after_a_newer_one_does_not_ask() -> None:
    frames = acted("u" * 30)
    state, _ = folded(frames)

    assert asked_s(frames, state) == []


def test_frame_that_was_analysed_when_its_command_is_over_does_not_ask() -> None:
    def late(by_s: float) -> list[FrameAnalyzed]:
        return [replace(frame, analyzed_at=frame.captured_at + timedelta(seconds=by_s)) for frame in acted("u" * 30)]

    assert asked_s(late(5.1)) == []
    assert asked_s(late(4.9)) == [1.0, 2.0, 4.0]


def test_replay_from_the_changelog_asks_for_the_same_by_the_same_names() -> None:
    frames = acted("u" * 51 + "." * 50)
    state, _ = folded(frames[:33])

    again = asked(frames[33:], decode_state(encode_state(state)))

    assert again == asked(frames)[-len(again) :]
    assert len({command.command_id for command in asked(frames)}) == 8


def test_rules_say_how_long_it_holds() -> None:
    rules = replace(RULES, follow=replace(RULES.follow, every_s=4.0, after_ms=7_000))

    _, outputs = folded(acted("u" * 50), rules)

    commands = [one for given in outputs for one in given.commands]
    assert [(command.around - BEGINNING).total_seconds() for command in commands] == [1.0, 4.0, 8.0]
    assert {command.after_ms for command in commands} == {7_000}
