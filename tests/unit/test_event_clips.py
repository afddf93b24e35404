"""A confirmed event of a recorded camera names its clip, where whoever reads the event finds it."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from tests.fakes.observations import RULES, SITE, acted, folded, replied, visited, zone
from watchpost.api.event_shapes import shown_event
from watchpost.contracts.clips import clip_key, clip_path, clip_uri
from watchpost.contracts.records import EventChanged, EventPhase, EventType, FrameAnalyzed
from watchpost.events.logic import EventRules
from watchpost.events.rules import rules_from
from watchpost.settings import Scope, settings_from
from watchpost.settings.scopes import scopes_of

FALL = "u" * 15 + "l" * 15 + "u" * 10
STORED = replace(RULES, clip_store="s3://clips/shops/")


def told(frames: Sequence[FrameAnalyzed], rules: EventRules = RULES, *, recorded: bool = True) -> list[EventChanged]:
    _, outputs = folded([replace(frame, recorded=recorded) for frame in frames], rules=rules)
    return [event for given in outputs for event in given.events]


@pytest.mark.parametrize(
    "frames",
    [
        pytest.param(acted(FALL), id="fall"),
        pytest.param(visited("ooo" + "i" * 10 + "o" * 30, zones=(zone(),)), id="zone"),
        pytest.param(replied("y" * 20 + "n" * 200), id="task in words"),
    ],
)
def test_event_names_its_clip_from_the_revision_that_confirms_it_on(frames: list[FrameAnalyzed]) -> None:
    events = [event for event in told(frames) if event.type != EventType.PERSON_COUNT]

    phases = {event.phase: event.clip_uri for event in events}
    path = f"/events/{events[0].event_id}/clip.mp4"
    assert phases == {EventPhase.CANDIDATE: None, EventPhase.CONFIRMED: path, EventPhase.ENDED: path}


def test_clip_that_goes_up_is_named_where_the_centre_finds_it() -> None:
    confirmed = [event for event in told(acted(FALL), STORED) if event.phase is EventPhase.CONFIRMED]

    assert [event.clip_uri for event in confirmed] == [f"s3://clips/shops/{SITE}/{confirmed[0].event_id}.mp4"]


def test_event_of_a_camera_that_is_not_recorded_names_no_clip() -> None:
    events = told(acted(FALL), STORED, recorded=False)

    assert EventPhase.CONFIRMED in {event.phase for event in events}
    assert {event.clip_uri for event in events} == {None}


def test_counts_of_a_recorded_camera_name_no_clip() -> None:
    counts = [event for event in told(acted(FALL)) if event.type == EventType.PERSON_COUNT]

    assert counts
    assert {event.clip_uri for event in counts} == {None}


def test_uri_is_the_key_below_the_store_or_the_path_at_the_site() -> None:
    assert clip_uri(SITE, "8a0f", "s3://clips") == f"s3://clips/{clip_key(SITE, '8a0f')}"
    assert clip_uri(SITE, "8a0f", None) == clip_path("8a0f")


def test_api_shows_its_own_path_of_a_clip_that_went_up_also_when_the_camera_is_gone() -> None:
    events = told(acted(FALL), STORED)

    shown = {event.phase: shown_event(event, None).clip_uri for event in events if event.clip_uri}
    paths = {f"/events/{event.event_id}/clip.mp4" for event in events if event.clip_uri}
    assert set(shown) == {EventPhase.CONFIRMED, EventPhase.ENDED}
    assert set(shown.values()) == paths


def test_rules_take_the_store_from_the_centre_s_settings_and_follow_its_change() -> None:
    centre = {"bootstrap": "centre:9092", "clips": {"upload": "s3://clips"}}

    assert rules_from(settings_from({"site": "shop", "central": centre})).clip_store == "s3://clips"
    assert rules_from(settings_from({"site": "shop"})).clip_store is None
    assert Scope.EVENTS in scopes_of("central.clips.upload")
    assert Scope.EVENTS not in scopes_of("central.bootstrap")
