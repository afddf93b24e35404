"""What a worker has open is found by the next one, however the first ended, and by no other."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fakes.site_records import event
from tests.waiting import wait_for
from watchpost.contracts.records import EventType
from watchpost.telemetry import OpenEvents

DEGRADED = event(event_type=EventType.ANALYSIS_DEGRADED, event_id="e1", detail="overload: much")
OTHER = event("yard", event_type=EventType.ANALYSIS_DEGRADED, event_id="e2", detail="wedged: hangs")
HOLDS = """
import os, sys
from pathlib import Path
from tests.unit.test_open_events import DEGRADED
from watchpost.telemetry import OpenEvents
OpenEvents(Path(sys.argv[1])).keep([DEGRADED])
print("kept", flush=True)
sys.stdin.read()
"""


def test_worker_finds_what_one_that_was_killed_had_open(tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert holder.stdout is not None
    wait_for(holder.stdout.readline, lambda line: line == b"kept\n")
    beside = OpenEvents(tmp_path)
    holder.kill()
    holder.communicate()

    assert beside.left == (), "its owner lived"
    assert OpenEvents(tmp_path).left == (DEGRADED,)


def test_workers_side_by_side_have_places_of_their_own(tmp_path: Path) -> None:
    first, second = OpenEvents(tmp_path), OpenEvents(tmp_path)
    first.keep([DEGRADED])
    second.keep([OTHER])

    second.give_up()
    third = OpenEvents(tmp_path)

    assert third.left == (OTHER,)


def test_what_is_kept_last_is_all_that_is_found(tmp_path: Path) -> None:
    first = OpenEvents(tmp_path)
    first.keep([DEGRADED, OTHER])
    first.keep([OTHER])
    first.give_up()

    assert OpenEvents(tmp_path).left == (OTHER,)


def test_what_was_known_of_an_event_is_found_with_it(tmp_path: Path) -> None:
    first = OpenEvents(tmp_path)
    taken = first.keep([DEGRADED, OTHER], {OTHER.event_id: b"a scene", "another": b"no event's"})
    first.give_up()

    second = OpenEvents(tmp_path)

    assert taken
    assert second.left == (DEGRADED, OTHER)
    assert second.memories == {OTHER.event_id: b"a scene"}


def test_place_that_was_given_up_is_not_written_to(tmp_path: Path) -> None:
    first = OpenEvents(tmp_path)
    first.give_up()
    second = OpenEvents(tmp_path)
    second.keep([OTHER])
    first.keep([DEGRADED])
    second.give_up()

    assert OpenEvents(tmp_path).left == (OTHER,)


@pytest.mark.parametrize(
    "text", ["", "{", "{}x", "5", '["AAAA"]', '["!"]', "[7]", '{"a": 1}', '[["AAAA"]]', '[["!", "", ""]]']
)
def test_file_that_cannot_be_read_is_passed_over(tmp_path: Path, text: str) -> None:
    (tmp_path / "worker-0.json").write_text(text)

    place = OpenEvents(tmp_path)

    assert place.left == ()
    place.keep([DEGRADED])
    assert len(json.loads((tmp_path / "worker-0.json").read_text())) == 1


def test_folder_that_cannot_be_made_keeps_nothing_and_stops_nobody(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    place = OpenEvents(tmp_path / "file" / "inference")
    taken = place.keep([DEGRADED])
    place.give_up()

    assert not taken
    assert place.left == ()
