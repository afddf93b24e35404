"""What ingest has open is on the disk before it is told, and until its end was acknowledged."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.fakes.site_records import event
from tests.waiting import wait_for
from watchpost.contracts.health import end_of
from watchpost.contracts.records import EventChanged, EventPhase, EventType
from watchpost.ingest.lasting_events import LastingEvents
from watchpost.telemetry import OpenEvents

LOW = event("_site", event_type=EventType.STORAGE_LOW, event_id="e1", phase=EventPhase.CONFIRMED)
OBSCURED = event(event_type=EventType.CAMERA_OBSCURED, event_id="e2", phase=EventPhase.CONFIRMED)
ENDED = end_of(OBSCURED, OBSCURED.at, "back")


def left_in(folder: Path, lasting: LastingEvents) -> tuple[Sequence[EventChanged], dict[str, bytes]]:
    """What the next process finds."""
    lasting.close(5)
    place = OpenEvents(folder)
    place.give_up()
    return place.left, place.memories


def test_open_event_is_on_the_disk_once_it_is_settled(tmp_path: Path) -> None:
    lasting = LastingEvents(tmp_path)

    lasting.take(LOW)
    lasting.take(OBSCURED, b"a scene")
    lasting.settle(5)

    assert (tmp_path / "worker-0.json").exists()
    assert left_in(tmp_path, lasting) == ((LOW, OBSCURED), {"e2": b"a scene"})


def test_end_is_kept_until_it_is_acknowledged(tmp_path: Path) -> None:
    lasting = LastingEvents(tmp_path)
    lasting.take(OBSCURED, b"a scene")
    lasting.told([OBSCURED])
    lasting.take(ENDED)

    assert left_in(tmp_path, lasting)[0] == (ENDED,)

    second = LastingEvents(tmp_path)
    assert second.left == (ENDED,)
    second.told([OBSCURED, ENDED])

    assert left_in(tmp_path, second) == ((), {})


def test_disk_that_refuses_is_not_waited_for_and_asked_again_with_the_next_event(tmp_path: Path) -> None:
    lasting, blocked = LastingEvents(tmp_path), tmp_path / "worker-0.new"
    blocked.mkdir()  # no file can be written there

    lasting.take(LOW)
    lasting.settle(60)
    assert not (tmp_path / "worker-0.json").exists()
    blocked.rmdir()
    lasting.take(OBSCURED)

    wait_for((tmp_path / "worker-0.json").exists)
    assert left_in(tmp_path, lasting)[0] == (LOW, OBSCURED)


@pytest.mark.parametrize("events", [(), (LOW,)])
def test_process_that_takes_nothing_leaves_what_it_found(tmp_path: Path, events: tuple[EventChanged, ...]) -> None:
    first = LastingEvents(tmp_path)
    for each in events:
        first.take(each)
    assert left_in(tmp_path, first)[0] == events

    assert left_in(tmp_path, LastingEvents(tmp_path))[0] == events
