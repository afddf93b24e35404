"""The event logic as a fold: falls, counts, thumbnails, commands, and what a replay may not change."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.fakes.observations import BEGINNING, RULES, acted, analyzed, folded, person
from tests.fakes.specs import assignment
from watchpost.contracts.records import (
    CameraId,
    CaptureReason,
    CommandKind,
    EventChanged,
    EventPhase,
    EventType,
    SkipReason,
    Task,
    ThumbnailReason,
)
from watchpost.errors import ContractError
from watchpost.events.logic import Outputs, decode_state, encode_state, step
from watchpost.vision.geometry import FractionBox

_FALL = "u" * 15 + "l" * 15


def _falls(outputs: list[Outputs]) -> list[EventChanged]:
    return [event for given in outputs for event in given.events if event.type == EventType.FALL_DETECTED]


def _phases(outputs: list[Outputs]) -> list[EventPhase]:
    return [event.phase for event in _falls(outputs)]


def _counts(outputs: list[Outputs]) -> list[tuple[float, int | None]]:
    return [
        ((event.at - BEGINNING).total_seconds(), event.person_count)
        for given in outputs
        for event in given.events
        if event.type == EventType.PERSON_COUNT
    ]


def test_person_who_drops_and_lies_is_confirmed_after_the_confirmation_time() -> None:
    _, outputs = folded(acted(_FALL))

    candidate, confirmed = _falls(outputs)

    assert [candidate.phase, confirmed.phase] == [EventPhase.CANDIDATE, EventPhase.CONFIRMED]
    assert candidate.event_id == confirmed.event_id
    assert (candidate.revision, confirmed.revision) == (1, 2)
    assert candidate.opened_at == confirmed.opened_at == BEGINNING + timedelta(seconds=3)
    assert confirmed.at - confirmed.opened_at == timedelta(seconds=RULES.fall.confirm_s)


def test_person_who_gets_up_again_ends_the_fall() -> None:
    _, outputs = folded(acted(_FALL + "u" * 10))

    assert _phases(outputs) == [EventPhase.CANDIDATE, EventPhase.CONFIRMED, EventPhase.ENDED]
    assert [event.revision for event in _falls(outputs)] == [1, 2, 3]


def test_person_who_is_up_before_the_confirmation_time_is_withdrawn() -> None:
    _, outputs = folded(acted("u" * 15 + "ll" + "u" * 10))

    assert _phases(outputs) == [EventPhase.CANDIDATE, EventPhase.WITHDRAWN]


def test_fallen_person_who_is_no_longer_seen_ends_the_fall() -> None:
    _, outputs = folded(acted(_FALL + "." * 60))

    assert _phases(outputs) == [EventPhase.CANDIDATE, EventPhase.CONFIRMED, EventPhase.ENDED]


def test_candidate_that_is_never_seen_again_is_withdrawn() -> None:
    _, outputs = folded(acted("u" * 15 + "l" + "." * 60))

    assert _phases(outputs) == [EventPhase.CANDIDATE, EventPhase.WITHDRAWN]


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("l" * 60, "whoever lies from the first frame has not dropped"),
        ("u" * 15 + "b" * 30, "whoever crouches does not lie"),
        ("u" * 30, "whoever stands stands"),
        ("u" * 15 + "." * 20, "whoever leaves has not fallen"),
        ("ub" * 20, "whoever bends up and down does not lie"),
    ],
)
def test_everyday_behaviour_opens_no_fall(script: str, reason: str) -> None:
    _, outputs = folded(acted(script))

    assert not _falls(outputs), reason


def test_person_who_lies_down_slowly_has_not_fallen() -> None:
    steps = 40
    frames = []
    for number in range(15 + steps + 20):
        done = min(max(number - 15, 0) / steps, 1.0)
        seen = person("l" if done > 0.5 else "u")
        box = replace(seen.box, y0=0.30 + 0.36 * done)
        frames.append(analyzed(number, number / 5, [replace(seen, box=box)]))

    _, outputs = folded(frames)

    assert not _falls(outputs)


def test_flicker_of_posture_while_lying_still_confirms() -> None:
    _, outputs = folded(acted("u" * 15 + "llbllblll"))

    assert EventPhase.CONFIRMED in _phases(outputs)


def test_lying_person_missed_for_some_frames_still_confirms() -> None:
    _, outputs = folded(acted("u" * 15 + "l..l.lll"))

    assert EventPhase.CONFIRMED in _phases(outputs)


def test_second_fall_of_the_same_person_within_the_cool_down_is_not_told() -> None:
    _, outputs = folded(acted(_FALL + "u" * 15 + "l" * 15))

    assert _phases(outputs).count(EventPhase.CONFIRMED) == 1


def test_second_fall_of_the_same_person_after_the_cool_down_is_told() -> None:
    rest = round(RULES.fall.cool_down_s * 5) + 10

    _, outputs = folded(acted(_FALL + "u" * rest + "l" * 15))

    confirmed = [event for event in _falls(outputs) if event.phase is EventPhase.CONFIRMED]
    assert len({event.event_id for event in confirmed}) == 2


def test_fall_is_told_once_when_the_tracker_mistakes_who_lies() -> None:
    fallen = acted(_FALL)
    walker = [person("u", -0.25 + 0.02 * turn) for turn in range(10)]
    frames = [*fallen]
    for later, passing in enumerate(walker):
        number = len(fallen) + later
        frames.append(analyzed(number, number / 5, [passing] if 3 < later < 8 else [passing, person("l")]))
    for number in range(len(frames), len(frames) + 20):
        frames.append(analyzed(number, number / 5, [person("l")]))  # noqa: PERF401 the numbers run on

    _, outputs = folded(frames)

    assert _phases(outputs).count(EventPhase.CONFIRMED) == 1


def test_lying_body_is_given_back_to_who_was_lost_in_the_fall() -> None:
    far = replace(person("l"), box=FractionBox(0.56, 0.70, 0.86, 0.80), score=0.9)
    standing = acted("u" * 15)
    lying = [analyzed(number, number / 5, [far]) for number in range(17, 30)]

    _, outputs = folded([*standing, *lying])

    assert _phases(outputs) == [EventPhase.CANDIDATE, EventPhase.CONFIRMED]


def test_two_people_who_fall_in_one_frame_have_two_events() -> None:
    frames = [
        analyzed(number, number / 5, [person(letter, -0.2), person(letter, 0.3)]) for number, letter in enumerate(_FALL)
    ]

    _, outputs = folded(frames)

    assert len({event.event_id for event in _falls(outputs)}) == 2


def test_order_of_detections_does_not_matter() -> None:
    def frames(*, turned: bool) -> list[Outputs]:
        people = [[person(letter, -0.2), person(letter, 0.3)] for letter in _FALL]
        return folded(
            [analyzed(number, number / 5, seen[::-1] if turned else seen) for number, seen in enumerate(people)]
        )[1]

    names = [
        {(event.event_id, event.phase) for event in _falls(given)}
        for given in (frames(turned=False), frames(turned=True))
    ]
    assert names[0] == names[1]


def test_confirmed_fall_asks_for_a_thumbnail_and_a_burst() -> None:
    _, outputs = folded(acted(_FALL))

    (given,) = [given for given in outputs if any(one.kind is CommandKind.BURST for one in given.commands)]
    (event,) = [event for event in given.events if event.phase is EventPhase.CONFIRMED]
    (thumbnail,) = [one for one in given.thumbnails if one.reason is ThumbnailReason.EVENT]
    (command,) = given.commands

    assert thumbnail.event_id == event.event_id
    assert thumbnail.thumbnail_id == event.thumbnail_id
    assert (command.around, command.before_ms, command.after_ms) == (event.at, 10_000, 10_000)


def test_event_carries_the_frames_model_and_the_rules_config_version() -> None:
    _, outputs = folded(acted(_FALL))

    event = _falls(outputs)[0]

    assert event.provenance.model == "yolox-nano"
    assert event.provenance.config_version == RULES.config_version


def test_count_is_told_at_once_then_on_change_then_every_interval() -> None:
    frames = acted("." * 10 + "u" * 110)

    _, outputs = folded(frames)

    assert _counts(outputs) == [(0.0, 0), (2.6, 1), (12.6, 1), (22.6, 1)]


def test_count_that_flickers_is_not_told() -> None:
    _, outputs = folded(acted("u" * 10 + "." + "u" * 10 + ".." + "u" * 10))

    assert _counts(outputs) == [(0.0, 1)]


def test_thumbnail_is_asked_for_every_interval() -> None:
    _, outputs = folded(acted("u" * 60, asked=assignment(thumbnail_interval_s=5)))

    assert [number for number, given in enumerate(outputs) if given.thumbnails] == [0, 25, 50]


def test_thumbnail_interval_of_zero_asks_for_none() -> None:
    _, outputs = folded(acted("u" * 60, asked=assignment(thumbnail_interval_s=0)))

    assert not any(given.thumbnails for given in outputs)


def test_camera_that_is_only_counted_at_tells_no_fall() -> None:
    _, outputs = folded(acted("u" * 10 + "l" * 20, asked=assignment(Task.PERSON_DETECTION)))

    assert {event.type for given in outputs for event in given.events} == {EventType.PERSON_COUNT}


def test_camera_that_is_only_watched_for_the_abnormal_tells_no_count() -> None:
    _, outputs = folded(acted("u" * 10 + "l" * 20, asked=assignment(Task.ABNORMAL_BEHAVIOR)))

    assert {event.type for given in outputs for event in given.events} == {EventType.FALL_DETECTED}


@pytest.mark.parametrize("reason", ["skipped", "burst", "repeated", "older"])
def test_frame_that_does_not_count_changes_nothing(reason: str) -> None:
    state, _ = folded(acted("u" * 20))
    frame = analyzed(99, 99, [person("l")])
    frame = {
        "skipped": replace(frame, skipped=SkipReason.OVERLOAD),
        "burst": replace(frame, reason=CaptureReason.BURST),
        "repeated": acted("u" * 20)[-1],
        "older": analyzed(98, 1.0, [person("l")]),
    }[reason]

    after, outputs = step(state, frame, RULES)

    assert after == state
    assert outputs == Outputs()


def test_frame_of_another_camera_is_refused() -> None:
    state, _ = folded(acted("u"))

    with pytest.raises(ValueError, match="shop/yard came to the state of shop/door"):
        step(state, replace(analyzed(5, 5, []), camera=CameraId("yard")), RULES)


def test_state_survives_its_bytes_in_the_middle_of_a_fall() -> None:
    frames = acted(_FALL)

    state, _ = folded(frames[:17])
    revived = decode_state(encode_state(state))

    assert revived == state
    assert folded(frames[17:], state=revived) == folded(frames[17:], state=state)


@pytest.mark.parametrize(
    "data", [b"", b"garbage", b"{}", b'{"version": 99, "state": {}}', b'{"version": 1, "state": []}']
)
def test_bytes_that_are_no_state_are_refused(data: bytes) -> None:
    with pytest.raises(ContractError):
        decode_state(data)
