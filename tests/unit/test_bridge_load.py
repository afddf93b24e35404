"""What a transaction carries grows while the log is ahead, and stops where it must."""

import threading
from collections.abc import Sequence
from typing import cast

import pytest
from confluent_kafka import Message

from watchpost.bridge.envelope import Outgoing
from watchpost.bridge.load import Load, Room
from watchpost.bridge.manifest import LaneState, Manifest
from watchpost.bridge.reading import Reading
from watchpost.bridge.source import Taken

AMPLE = Room(records=1000, size_bytes=1_000_000, grows_s=60, handful_s=0.2)


class ScriptedReading:
    """Gives what it was told to, one handful after the other."""

    def __init__(self, *handfuls: Taken, follows: bool = True) -> None:
        self.left = list(handfuls)
        self._follows = follows

    def follows(self, _state: LaneState) -> bool:
        return self._follows

    def take(self, _state: LaneState, _records: int, _size_bytes: int, _max_s: float) -> Taken:
        return self.left.pop(0)

    def take_ahead(self, _state: LaneState, _records: int, _size_bytes: int, _max_s: float) -> None:
        return

    def hold(self, _partitions: object) -> None:
        return

    def sent(self, _sizes: Sequence[int]) -> None:
        return


def taken(*values: bytes, is_full: bool = True, disturbed: str | None = None) -> Taken:
    return Taken(tuple(Message(topic="t", value=value) for value in values), disturbed, is_full=is_full)


def named(_manifest: Manifest, messages: Sequence[Message]) -> list[Outgoing]:
    return [Outgoing("t", b"", message.value() or b"", (), 0) for message in messages]


def load_of(first: Taken, reading: ScriptedReading, room: Room = AMPLE, *, over: threading.Event | None = None) -> Load:
    state = LaneState("cluster", {}, {})
    return Load(first, state, cast("Reading", reading), room, named, over or threading.Event())


def values(load: Load) -> list[bytes]:
    return [record.value for handful in load.handfuls() for record in handful]


def test_load_grows_until_the_log_is_not_ahead_any_more() -> None:
    reading = ScriptedReading(taken(b"b"), taken(b"c", is_full=False), taken(b"d"))

    load = load_of(taken(b"a"), reading)

    assert (values(load), load.records, len(reading.left)) == ([b"a", b"b", b"c"], 3, 1)


def test_load_of_a_log_that_is_not_ahead_reads_nothing_more() -> None:
    reading = ScriptedReading(taken(b"b"))

    assert values(load_of(taken(b"a", is_full=False), reading)) == [b"a"]


def test_load_whose_order_hangs_on_what_was_sent_reads_nothing_more() -> None:
    reading = ScriptedReading(taken(b"b"), follows=False)

    assert values(load_of(taken(b"a"), reading)) == [b"a"]


@pytest.mark.parametrize(
    "room",
    [
        Room(records=2, size_bytes=1_000_000, grows_s=60, handful_s=0.2),
        Room(records=1000, size_bytes=2, grows_s=60, handful_s=0.2),
    ],
)
def test_load_ends_where_its_room_ends(room: Room) -> None:
    reading = ScriptedReading(taken(b"b"), taken(b"c"))

    assert values(load_of(taken(b"a"), reading, room)) == [b"a", b"b"]


def test_load_that_has_grown_long_enough_ends() -> None:
    reading = ScriptedReading(taken(b"b"))

    assert values(load_of(taken(b"a"), reading, Room(1000, 1_000_000, grows_s=0, handful_s=0.2))) == [b"a"]


def test_load_ends_when_the_bridge_shall() -> None:
    over = threading.Event()
    over.set()

    assert values(load_of(taken(b"a"), ScriptedReading(taken(b"b")), over=over)) == [b"a"]


def test_load_ends_with_what_disturbs_the_reading_and_says_so() -> None:
    load = load_of(taken(b"a"), ScriptedReading(taken(b"b", is_full=False, disturbed="partition 1")))

    assert (values(load), load.last.disturbed) == ([b"a", b"b"], "partition 1")
