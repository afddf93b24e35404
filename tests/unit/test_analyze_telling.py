"""What a listener is told of a camera, and when."""

import json
from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

from tests.fakes.observations import BEGINNING, CAMERA, SITE, analyzed, person
from tests.fakes.site_records import event, thumbnail
from watchpost.api.watch_stream import Telling
from watchpost.contracts.records import (
    EventChanged,
    EventPhase,
    FrameAnalyzed,
    SkipReason,
    Task,
    ThumbnailReason,
    ThumbnailTaken,
)

ZONE = ZoneInfo("Europe/Berlin")


def frame(number: int, people: int) -> FrameAnalyzed:
    return analyzed(number, number / 5, [person()] * people)


def changed(kind: str = "fall_detected", phase: EventPhase = EventPhase.CONFIRMED, revision: int = 2) -> EventChanged:
    after = BEGINNING + timedelta(seconds=1)
    return event(
        event_id="a",
        event_type=kind,
        phase=phase,
        revision=revision,
        opened_at=BEGINNING,
        at=after,
        confidence=0.8749,
    )


def data_of(said: str) -> object:
    return json.loads(said.partition("data: ")[2])


def test_people_are_told_at_once_and_then_once_a_second_with_the_newest_count() -> None:
    telling = Telling([Task.PERSON_DETECTION], ZONE)

    first = telling.take(frame(0, 1), 100.0)
    between = [line for number in range(1, 5) for line in telling.take(frame(number, number), 100 + number / 5)]
    later = telling.due(101.0)

    assert [data_of(line) for line in first] == [{"time": "13:00:00", "person_count": 1}]
    assert between == []
    assert [data_of(line) for line in later] == [{"time": "13:00:00", "person_count": 4}]


def test_skipped_frames_say_nothing_of_people() -> None:
    telling = Telling([Task.PERSON_DETECTION], ZONE)
    telling.take(frame(0, 1), 100.0)

    assert telling.take(replace(frame(1, 0), skipped=SkipReason.OVERLOAD), 102.0) == []


def test_event_is_told_once_when_it_is_confirmed() -> None:
    telling = Telling([Task.ABNORMAL_BEHAVIOR], ZONE)
    telling.take(frame(0, 1), 100.0)

    said = [
        line
        for told in (
            changed(phase=EventPhase.CANDIDATE, revision=1),
            changed(),
            changed(),
            changed(phase=EventPhase.ENDED),
        )
        for line in telling.take(told, 100.5)
        if line.startswith("event: event\n")
    ]

    assert [data_of(line) for line in said] == [{"type": "fall_detected", "time": "13:00:00", "confidence": 0.87}]


def test_camera_that_goes_offline_is_told_whatever_was_asked_for() -> None:
    telling = Telling([Task.PERSON_DETECTION], ZONE)

    said = telling.take(changed("camera_offline"), 100.0)

    assert '"type": "camera_offline"' in said[0]


def test_falls_are_not_told_to_who_asked_for_people() -> None:
    telling = Telling([Task.PERSON_DETECTION], ZONE)
    telling.take(frame(0, 1), 100.0)

    assert telling.take(changed(), 100.5) == []


def test_thumbnail_is_told_as_base64() -> None:
    telling = Telling([Task.ABNORMAL_BEHAVIOR], ZONE)
    taken = ThumbnailTaken("t", SITE, CAMERA, None, BEGINNING, ThumbnailReason.INTERVAL, b"\xff\xd8", 320, 240)

    (said,) = telling.take(taken, 100.0)

    assert said.startswith("event: thumbnail\n")
    assert data_of(said) == {"time": "13:00:00", "jpeg": "/9g="}


def test_silence_is_broken_by_a_comment() -> None:
    telling = Telling([Task.ABNORMAL_BEHAVIOR], ZONE)
    telling.due(100.0)

    due_s = telling.next_due_s()

    assert due_s == 115.0
    assert telling.due(due_s - 0.1) == []
    assert telling.due(due_s) == [": still watching\n\n"]


def test_each_event_is_one_line_of_data_and_ends_with_a_blank_one() -> None:
    telling = Telling(list(Task), ZONE)

    (said,) = telling.take(frame(0, 1), 100.0)

    assert said.count("\n") == 3
    assert said.endswith("\n\n")


def test_picture_that_stood_there_and_comes_again_is_told_once() -> None:
    telling = Telling([Task.PERSON_DETECTION], ZONE)
    picture = thumbnail(at=BEGINNING)

    said = telling.take(picture, 100.0) + telling.take(picture, 100.1)

    assert [line.partition("\n")[0] for line in said].count("event: thumbnail") == 1
