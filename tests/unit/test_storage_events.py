"""Storage that becomes low is one event of the site's, which ends when it is well again."""

from tests.fakes.clock import SetClock
from watchpost.contracts import decode, encode
from watchpost.contracts.identity import SITE_ITSELF
from watchpost.contracts.records import EventChanged, EventPhase, EventType, SiteId
from watchpost.ingest.storage_events import StorageEvents
from watchpost.recordings import StorageTurn


def as_read(event: EventChanged) -> EventChanged:
    """As the next process finds it."""
    return decode(encode(event), EventChanged)


def test_storage_that_is_low_twice_is_two_events_that_each_end() -> None:
    told: list[EventChanged] = []
    clock = SetClock()
    events = StorageEvents(SiteId("shop"), "session", "config-1", clock, told.append)

    for turn in (StorageTurn(True, 1, "full"), StorageTurn(False, 1, "well"), StorageTurn(True, 2, "full again")):
        events.turned(turn)
        clock.pass_s(60)

    first, ended, second = told
    assert {event.camera for event in told} == {SITE_ITSELF}
    assert {event.type for event in told} == {EventType.STORAGE_LOW}
    assert (first.event_id, first.revision, first.phase, first.detail) == (
        ended.event_id,
        1,
        EventPhase.CONFIRMED,
        "full",
    )
    assert (ended.revision, ended.phase, ended.detail) == (2, EventPhase.ENDED, "well")
    assert ended.opened_at == first.opened_at == first.at
    assert ended.at > first.at
    assert second.event_id != first.event_id
    assert second.opened_at > ended.at


def test_another_life_of_the_process_tells_another_event() -> None:
    told: list[EventChanged] = []
    for session in ("one", "two"):
        StorageEvents(SiteId("shop"), session, "", SetClock(), told.append).turned(StorageTurn(True, 1, "full"))

    assert len({event.event_id for event in told}) == 2


def test_event_that_a_process_left_open_ends_with_turn_zero_and_no_other_begins() -> None:
    told: list[EventChanged] = []
    StorageEvents(SiteId("shop"), "one", "", SetClock(), told.append).turned(StorageTurn(True, 4, "full"))
    successor = StorageEvents(SiteId("shop"), "two", "", SetClock(), told.append, [as_read(told[0])])
    assert successor.are_open

    successor.turned(StorageTurn(False, 0, "well"))

    opened, ended = told
    assert (ended.event_id, ended.revision, ended.phase) == (opened.event_id, 2, EventPhase.ENDED)
    assert not successor.are_open


def test_event_whose_end_was_not_acknowledged_is_not_open() -> None:
    told: list[EventChanged] = []
    events = StorageEvents(SiteId("shop"), "one", "", SetClock(), told.append)
    for turn in (StorageTurn(True, 1, "full"), StorageTurn(False, 1, "well")):
        events.turned(turn)

    assert not StorageEvents(SiteId("shop"), "two", "", SetClock(), told.append, [as_read(told[-1])]).are_open
