"""Intrusion, loitering and crowds as a fold: who is told of, when, how often, and what a changed zone does."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.fakes.observations import BEGINNING, RULES, analyzed, folded, standing, visited, zone
from tests.fakes.specs import assignment
from watchpost.contracts.records import (
    CommandKind,
    EventChanged,
    EventPhase,
    EventType,
    FrameAnalyzed,
    Task,
    ThumbnailReason,
    Zone,
    ZoneKind,
)
from watchpost.events.logic import Outputs
from watchpost.vision.geometry import FractionPoint

_CANDIDATE, _CONFIRMED = EventPhase.CANDIDATE, EventPhase.CONFIRMED
_ENDED, _WITHDRAWN = EventPhase.ENDED, EventPhase.WITHDRAWN
_YARD = zone()
_SHELF = zone(ZoneKind.LOITERING, name="shelf", after_s=4.0)
_QUEUE = zone(ZoneKind.CROWD, name="queue", after_s=2.0, people=3)
_COOL_DOWN_S = RULES.zone.cool_down_s


def _told(outputs: list[Outputs]) -> list[EventChanged]:
    kinds = {EventType(kind.value) for kind in ZoneKind}
    return [event for given in outputs for event in given.events if event.type in kinds]


def _phases(outputs: list[Outputs]) -> list[EventPhase]:
    return [event.phase for event in _told(outputs)]


def _at_s(event: EventChanged) -> float:
    return (event.at - BEGINNING).total_seconds()


def _seen(crowd: list[list[float]], *zones: Zone, fps: float = 5.0) -> list[FrameAnalyzed]:
    """A frame for each list of where people's feet are, from left to right."""
    asked = assignment(zones=zones, thumbnail_interval_s=0)
    return [analyzed(number, number / fps, [standing(x) for x in feet], asked) for number, feet in enumerate(crowd)]


def test_intruder_is_a_candidate_then_confirmed_after_the_zones_time_then_ended_when_they_have_left() -> None:
    _, outputs = folded(visited("oooo" + "i" * 10 + "o" * 20, (_YARD,)))

    candidate, confirmed, ended = _told(outputs)

    assert [event.phase for event in (candidate, confirmed, ended)] == [_CANDIDATE, _CONFIRMED, _ENDED]
    assert [event.revision for event in (candidate, confirmed, ended)] == [1, 2, 3]
    assert len({event.event_id for event in (candidate, confirmed, ended)}) == 1
    assert {event.type for event in (candidate, confirmed, ended)} == {EventType.INTRUSION}
    assert [_at_s(event) for event in (candidate, confirmed, ended)] == pytest.approx([1.2, 1.4, 2.6 + 3.0])
    assert confirmed.opened_at == candidate.at


def test_intrusion_names_its_zone_box_count_confidence_thumbnail_and_asks_for_a_burst() -> None:
    feet = [0.9, 0.8, 0.7, 0.6]
    asked = assignment(zones=(_YARD,), thumbnail_interval_s=0)
    frames = [analyzed(number, number / 5, [standing(0.8, score=score)], asked) for number, score in enumerate(feet)]

    _, outputs = folded(frames)

    confirmed = _told(outputs)[-1]
    (command,) = outputs[-1].commands
    (picture,) = outputs[-1].thumbnails
    assert (confirmed.phase, confirmed.detail, confirmed.person_count) == (_CONFIRMED, "yard", 1)
    assert confirmed.box == standing(0.8).box
    assert confirmed.confidence == pytest.approx(0.75), "the mean score of the detections inside"
    assert (picture.reason, picture.event_id) == (ThumbnailReason.EVENT, confirmed.event_id)
    assert picture.thumbnail_id == confirmed.thumbnail_id
    assert (command.kind, command.around, command.event_id) == (CommandKind.BURST, confirmed.at, confirmed.event_id)


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("o" * 40, "whoever stays outside is no intruder"),
        ("oooio" * 8, "single looks across the border are no intrusion"),
        ("oi" * 20, "feet that flicker on the border say nothing"),
        ("ooooi....", "whoever is seen inside once, and never again, was perhaps nobody"),
    ],
)
def test_intrusion_is_not_told(script: str, reason: str) -> None:
    _, outputs = folded(visited(script, (_YARD,)))

    assert not _told(outputs), reason


@pytest.mark.parametrize("script", ["iioiii", "iii.ii", "ii..i", "iioiioii"])
def test_wrong_look_delays_an_intrusion_and_does_not_hide_it(script: str) -> None:
    _, outputs = folded(visited(script, (_YARD,)))

    assert _phases(outputs)[-1] is _CONFIRMED


def test_intruder_is_confirmed_at_once_where_frames_lie_further_apart_than_the_zones_time() -> None:
    _, outputs = folded(visited("oiii", (_YARD,), fps=1))

    (confirmed,) = _told(outputs)

    assert (confirmed.phase, confirmed.revision, _at_s(confirmed)) == (_CONFIRMED, 1, 2.0)


def test_candidate_who_turns_back_is_withdrawn_and_no_further_candidate_is_told_soon() -> None:
    turns_back = "iii" + "o" * 20

    _, outputs = folded(visited(turns_back * 4, (_YARD,)))

    assert _phases(outputs) == [_CANDIDATE, _WITHDRAWN]


def test_intruder_is_confirmed_soon_after_a_withdrawn_candidate() -> None:
    _, outputs = folded(visited("iii" + "o" * 20 + "i" * 10, (_YARD,)))

    assert _phases(outputs) == [_CANDIDATE, _WITHDRAWN, _CONFIRMED]


def test_intruder_who_is_lost_ends_the_intrusion() -> None:
    _, outputs = folded(visited("i" * 10 + "." * 40, (_YARD,)))

    ended = _told(outputs)[-1]
    assert ended.phase is _ENDED
    assert _at_s(ended) == pytest.approx(1.8 + RULES.zone.lost_s)


def test_intruder_who_is_hidden_for_longer_than_the_tracker_remembers_is_the_same_one() -> None:
    _, outputs = folded(visited("i" * 10 + "." * 20 + "i" * 30, (_YARD,)))

    assert _phases(outputs) == [_CANDIDATE, _CONFIRMED]


def test_intruder_who_goes_back_and_forth_over_the_border_is_told_once_in_the_cool_down() -> None:
    crossing = "i" * 6 + "o" * 18
    turns = round(_COOL_DOWN_S * 5 / len(crossing))

    _, outputs = folded(visited(crossing * turns, (_YARD,)))

    assert _phases(outputs).count(_CONFIRMED) == 1


def test_intruder_whom_the_tracker_loses_again_and_again_is_told_once_in_the_cool_down() -> None:
    flickering = "i" * 6 + "." * 30
    turns = round(_COOL_DOWN_S * 5 / len(flickering))

    _, outputs = folded(visited(flickering * turns, (_YARD,)))

    assert _phases(outputs).count(_CONFIRMED) == 1


def test_intruder_who_comes_back_after_the_cool_down_is_told_again() -> None:
    _, outputs = folded(visited("i" * 6 + "o" * round(_COOL_DOWN_S * 5 + 30) + "i" * 6, (_YARD,)))

    assert _phases(outputs) == [_CANDIDATE, _CONFIRMED, _ENDED, _CANDIDATE, _CONFIRMED]


def test_second_intruder_elsewhere_in_the_zone_is_told_within_the_cool_down_of_the_first() -> None:
    frames = [[0.6]] * 5 + [[0.1]] * 16 + [[0.9]] * 5

    _, outputs = folded(_seen(frames, _YARD))

    assert _phases(outputs).count(_CONFIRMED) == 2


def test_two_intruders_of_one_frame_have_an_event_each() -> None:
    _, outputs = folded(_seen([[0.6, 0.9]] * 5, _YARD))

    assert len({event.event_id for event in _told(outputs)}) == 2
    assert _phases(outputs).count(_CONFIRMED) == 2


def test_two_zones_of_one_kind_that_one_intruder_enters_in_one_frame_have_an_event_each() -> None:
    _, outputs = folded(visited("i" * 5, (_YARD, zone(name="gate"))))

    confirmed = [event for event in _told(outputs) if event.phase is _CONFIRMED]
    assert {event.detail for event in confirmed} == {"yard", "gate"}
    assert len({event.event_id for event in confirmed}) == 2
    assert len({command.command_id for given in outputs for command in given.commands}) == 2


def test_order_of_zones_and_of_detections_does_not_matter() -> None:
    zones = (_YARD, zone(name="gate"), _SHELF)
    straight = _seen([[0.6, 0.9]] * 25, *zones)
    turned = [
        replace(
            frame, objects=frame.objects[::-1], assignment=replace(frame.assignment, zones=frame.assignment.zones[::-1])
        )
        for frame in straight
    ]

    names = [{(event.event_id, event.phase) for event in _told(folded(frames)[1])} for frames in (straight, turned)]
    assert names[0] == names[1]
    assert len(names[0]) == 2 * 3 * 2


def test_zone_that_asks_for_two_people_is_quiet_about_one() -> None:
    _, alone = folded(_seen([[0.6]] * 10, zone(people=2)))
    _, together = folded(_seen([[0.6, 0.9]] * 10, zone(people=2)))

    assert not _told(alone)
    assert _phases(together).count(_CONFIRMED) == 2


def test_feet_count_and_not_the_head() -> None:
    asked = assignment(zones=(zone(left=0.0),), thumbnail_interval_s=0)
    frames = [analyzed(number, number / 5, [standing(0.5, 0.49)], asked) for number in range(10)]

    _, outputs = folded(frames)

    assert not _told(outputs)


def test_loitering_is_confirmed_after_the_time_in_the_zone_in_all_however_often_somebody_goes_away() -> None:
    _, outputs = folded(visited("i" * 11 + "o" * 20 + "i" * 11, (_SHELF,)))

    candidate, confirmed = _told(outputs)

    assert (candidate.phase, confirmed.phase) == (_CANDIDATE, _CONFIRMED)
    assert (_at_s(candidate), _at_s(confirmed)) == pytest.approx((2.0, 8.2))
    kinds = {command.kind for given in outputs for command in given.commands}
    assert kinds == {CommandKind.FOLLOW}, "nothing happens fast: no burst"


def test_loitering_goes_on_behind_a_pillar() -> None:
    _, outputs = folded(visited("i" * 6 + "." * 20 + "i" * 6, (_SHELF,)))

    assert _phases(outputs)[-1] is _CONFIRMED


def test_passers_by_do_not_loiter() -> None:
    _, outputs = folded(visited(("i" * 9 + "o" * 55) * 4, (_SHELF,)))

    assert not _told(outputs)


def test_loiterer_who_stays_away_ends_it() -> None:
    _, outputs = folded(visited("i" * 25 + "o" * 60, (_SHELF,)))

    assert _phases(outputs) == [_CANDIDATE, _CONFIRMED, _ENDED]
    assert _at_s(_told(outputs)[-1]) == pytest.approx(4.8 + RULES.zone.away_s)


def test_crowd_is_one_event_of_its_zone_and_ends_when_too_few_are_left_for_some_seconds() -> None:
    many, few = [[0.6, 0.75, 0.9]], [[0.6, 0.75]]

    _, outputs = folded(_seen(few * 5 + many * 15 + few * 5 + many * 5 + few * 20, _QUEUE))

    candidate, confirmed, ended = _told(outputs)
    assert [event.phase for event in (candidate, confirmed, ended)] == [_CANDIDATE, _CONFIRMED, _ENDED]
    assert [_at_s(event) for event in (candidate, confirmed, ended)] == pytest.approx([2.0, 3.0, 5.8 + 3.0])
    assert [event.person_count for event in (candidate, confirmed, ended)] == [3, 3, 2]
    assert (confirmed.type, confirmed.detail) == (EventType.CROWD, "queue")
    assert confirmed.box is not None
    assert (confirmed.box.x0, confirmed.box.x1) == pytest.approx((0.55, 0.95))


def test_crowd_that_a_detector_counts_one_short_now_and_then_is_still_confirmed() -> None:
    _, outputs = folded(_seen(([[0.6, 0.75, 0.9]] * 4 + [[0.6, 0.9]]) * 5, _QUEUE))

    assert _phases(outputs) == [_CANDIDATE, _CONFIRMED]


def test_people_outside_of_the_zone_make_no_crowd() -> None:
    _, outputs = folded(_seen([[0.1, 0.3, 0.9]] * 20, _QUEUE))

    assert not _told(outputs)


@pytest.mark.parametrize("script", ["ii" + "i" * 8, "iii"])
@pytest.mark.parametrize("change", ["removed", "moved", "of another kind", "task dropped"])
def test_zone_that_is_not_what_it_was_ends_its_open_events(change: str, script: str) -> None:
    before = visited(script, (_YARD,))
    elsewhere = replace(_YARD, polygon=(FractionPoint(0, 0), FractionPoint(0.1, 0), FractionPoint(0, 0.1)))
    after: tuple[Zone, ...] = {
        "removed": (),
        "moved": (elsewhere,),
        "of another kind": (replace(_YARD, kind=ZoneKind.LOITERING, after_s=30.0),),
        "task dropped": (_YARD,),
    }[change]
    tasks = (Task.PERSON_DETECTION,) if change == "task dropped" else ()
    state, outputs = folded(before)

    state, ended = folded(visited(script + "iii", after, tasks=tasks)[len(script) :], state=state)

    (last,) = _told(ended)
    opened = _told(outputs)
    assert last.phase is (_ENDED if opened[-1].phase is _CONFIRMED else _WITHDRAWN)
    assert (last.event_id, last.revision) == (opened[-1].event_id, opened[-1].revision + 1)
    assert last.detail == "yard: the zone was removed or changed"
    assert last.at == BEGINNING + timedelta(seconds=len(script) / 5)


def test_zone_beside_a_changed_one_keeps_its_event() -> None:
    gate = zone(name="gate")
    state, _ = folded(visited("i" * 8, (_YARD, gate)))

    _, outputs = folded(visited("i" * 12, (gate,))[8:], state=state)

    assert [event.detail for event in _told(outputs)] == ["yard: the zone was removed or changed"]


def test_zones_say_nothing_of_a_camera_that_is_only_counted_at() -> None:
    _, outputs = folded(visited("i" * 10, (_YARD, _QUEUE), tasks=(Task.PERSON_DETECTION,)))

    assert not _told(outputs)


def test_nothing_is_remembered_of_who_left_long_ago() -> None:
    state, _ = folded(visited("i" * 6 + "o" * round(_COOL_DOWN_S * 5 + 30), (_YARD, _SHELF)))

    assert state.zones.visitors == ()
