"""An obscured camera's event is begun and ended once, whoever reads the camera meanwhile."""

from dataclasses import replace

import numpy as np
import pytest

from tests.fakes.clock import SetClock
from tests.fakes.specs import camera_spec
from watchpost.contracts import decode, encode
from watchpost.contracts.records import CameraId, CameraSpec, EventChanged, EventPhase, SiteId
from watchpost.ingest.obscured import ObscuredTurn, ObscuredWatch, SceneLook
from watchpost.ingest.obscured_events import ObscuredEvents
from watchpost.ingest.scene_memory import LostScene, scene_in

DOOR = camera_spec("door")
EDGES = np.asarray(np.random.default_rng(1).random((24, 43)) + np.arange(43), np.float32)
LOST = LostScene(EDGES, 0.98, 110.0, since_us=5_000_000)
BEGUN = ObscuredTurn(3, obscured=True, since_us=5_000_000, at_us=20_000_000, kept=0.5, dark=False, scene=LOST)
OVER = replace(BEGUN, obscured=False, at_us=90_000_000, kept=1.0, scene=None)


def as_read(event: EventChanged) -> EventChanged:
    """As the next process finds it."""
    return decode(encode(event), EventChanged)


class Process:
    """One life of an ingest process."""

    def __init__(self, before: "Process | None" = None) -> None:
        self.told: list[EventChanged] = []
        self.memories: dict[str, bytes] = {}
        left, memories = ([as_read(event) for event in before.told[-1:]], before.memories) if before else ([], {})
        self.events = ObscuredEvents(SiteId("shop"), SetClock(), self._tell, left, memories)

    def _tell(self, event: EventChanged, memory: bytes) -> None:
        self.told.append(event)
        if memory:
            self.memories[event.event_id] = memory


def ends_when_the_scene_is_shown(watch: ObscuredWatch) -> ObscuredTurn | None:
    looks = (watch.look(SceneLook(EDGES, 110), at_us) for at_us in range(100_000_000, 160_000_000, 1_000_000))
    return next((turn for turn in looks if turn is not None), None)


def test_event_is_confirmed_and_ended_under_one_id() -> None:
    process = Process()

    process.events.turned(BEGUN, DOOR, "s")
    process.events.turned(OVER, DOOR, "s")
    process.events.turned(replace(BEGUN, number=4), DOOR, "s")

    first, last, second = process.told
    assert (first.type, first.phase, last.phase) == ("camera_obscured", EventPhase.CONFIRMED, EventPhase.ENDED)
    assert (first.event_id, first.revision + 1) == (last.event_id, last.revision)
    assert first.opened_at == last.opened_at < first.at < last.at
    assert "look at the camera" in (first.detail or "")
    assert second.event_id != first.event_id


def test_successor_ends_what_a_process_left_open_when_the_scene_is_back() -> None:
    first = Process()
    first.events.turned(BEGUN, DOOR, "s")
    second = Process(first)

    turn = ends_when_the_scene_is_shown(second.events.watch_for(DOOR))

    assert turn is not None
    assert second.told == []
    second.events.turned(turn, DOOR, "s2")
    second.events.turned(turn, DOOR, "s2")
    (ended,) = second.told
    assert (ended.event_id, ended.revision, ended.phase) == (first.told[0].event_id, 2, EventPhase.ENDED)


@pytest.mark.parametrize(
    "spec",
    [camera_spec("door", source="sim:room"), camera_spec("door", substream="sim:room")],
    ids=["source", "substream"],
)
def test_camera_with_another_source_is_learned_anew_and_its_event_ends(spec: CameraSpec) -> None:
    process = Process()
    process.events.turned(BEGUN, DOOR, "s")

    turn = ends_when_the_scene_is_shown(process.events.watch_for(spec))

    assert turn is None
    assert [event.phase for event in process.told] == [EventPhase.CONFIRMED, EventPhase.ENDED]
    assert "another source" in (process.told[-1].detail or "")


def test_camera_with_another_decoder_is_waited_for_as_before() -> None:
    process = Process()
    process.events.turned(BEGUN, DOOR, "s")

    assert ends_when_the_scene_is_shown(process.events.watch_for(replace(DOOR, decoder="cuda"))) is not None
    assert len(process.told) == 1


def test_camera_that_nobody_here_reads_any_more_ends_after_a_minute_and_says_that_it_does_not_know() -> None:
    process, other = Process(), CameraId("yard")
    process.events.turned(BEGUN, DOOR, "s")

    for now_s, read in ((0.0, {other}), (50.0, {DOOR.camera}), (70.0, {other}), (129.0, {other})):
        process.events.settle(read, now_s)
    assert len(process.told) == 1
    process.events.settle({other}, 131.0)
    process.events.settle({other}, 200.0)

    assert [event.phase for event in process.told] == [EventPhase.CONFIRMED, EventPhase.ENDED]
    assert "not known" in (process.told[-1].detail or "")


@pytest.mark.parametrize("memory", [b"", b"PK", b"x" * 100])
def test_scene_that_cannot_be_read_is_none(memory: bytes) -> None:
    assert scene_in(memory, "source") is None


def test_scene_is_read_back_for_its_source_alone() -> None:
    kept = LOST.to_bytes("source")

    found = scene_in(kept, "source")

    assert found is not None
    assert np.array_equal(found.edges, EDGES)
    assert (found.usual, found.brightness, found.since_us) == (LOST.usual, LOST.brightness, LOST.since_us)
    assert scene_in(kept, "another") is None
    assert len(kept) < 6000
