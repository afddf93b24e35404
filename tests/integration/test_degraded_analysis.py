"""A worker that cannot look at what its cameras send says so once of each, until it can; so does its successor."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fakes.flowing_frames import FlowingFrames
from tests.fakes.paced_worker import PacedWorker
from tests.waiting import wait_for
from watchpost.contracts.records import EventChanged, EventPhase, EventType
from watchpost.inference.wedge import EXIT_WEDGED
from watchpost.stream.embedded import EmbeddedKafka

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(300)]

ONCE = [EventPhase.CONFIRMED, EventPhase.ENDED]


def phases(events: list[EventChanged]) -> dict[str, list[EventPhase]]:
    """What was told of each camera, in order."""
    cameras = {event.camera for event in events}
    return {camera: [event.phase for event in events if event.camera == camera] for camera in cameras}


def test_analyzer_too_slow_for_its_cameras_is_told_once_of_each_and_ends_with_the_load(
    fresh_broker: Callable[[], EmbeddedKafka], tmp_path: Path
) -> None:
    with (
        PacedWorker(fresh_broker().bootstrap, tmp_path, frame_s=0.5) as worker,
        FlowingFrames(worker.settings, cameras=2, fps=5) as flow,
    ):
        slow = wait_for(worker.events, lambda told: len(told) == len(flow.cameras), within_s=60)
        note = wait_for(worker.notes, lambda notes: "load" in notes, within_s=60)["load"]
        worker.looks(frame_s=0.001)
        told = wait_for(worker.events, lambda told: len(told) == 2 * len(flow.cameras), within_s=90)
        wait_for(worker.notes, lambda notes: "load" not in notes, within_s=60)

    assert {event.type for event in told} == {EventType.ANALYSIS_DEGRADED}
    assert phases(told) == dict.fromkeys(flow.cameras, ONCE)
    assert {event.event_id for event in told} == {event.event_id for event in slow}
    assert all(event.detail and event.detail.startswith("overload: ") for event in told)
    assert "this worker can look at 2.0: fewer cameras" in note


def test_worker_killed_while_it_is_too_slow_leaves_no_event_without_an_end(
    fresh_broker: Callable[[], EmbeddedKafka], tmp_path: Path
) -> None:
    with (
        PacedWorker(fresh_broker().bootstrap, tmp_path, frame_s=0.5) as worker,
        FlowingFrames(worker.settings, cameras=1, fps=5) as flow,
    ):
        (opened,) = wait_for(worker.events, within_s=60)
        worker.kill()
        worker.looks(frame_s=0.001)
        worker.start()
        told = wait_for(worker.events, lambda told: told[-1].phase is EventPhase.ENDED, within_s=90)

    assert phases(told) == {flow.cameras[0]: [EventPhase.CONFIRMED, *ONCE]}
    assert told[1] == opened, "told again, byte for byte: who reads it drops it"
    assert (told[2].event_id, told[2].revision) == (opened.event_id, 2)


def test_analyzer_that_hangs_is_told_by_the_worker_that_comes_after(
    fresh_broker: Callable[[], EmbeddedKafka], tmp_path: Path
) -> None:
    with (
        PacedWorker(fresh_broker().bootstrap, tmp_path, frame_s=0.001, wedged_after_s=2) as worker,
        FlowingFrames(worker.settings, cameras=1, fps=5) as flow,
    ):
        worker.hangs()
        code = wait_for(worker.exit_code, lambda code: code is not None, within_s=60)
        told_before = worker.events()
        worker.looks(frame_s=0.001)
        worker.start()
        (told,) = wait_for(worker.events, within_s=60)

    assert (code, told_before) == (EXIT_WEDGED, [])
    assert (told.camera, told.type, told.phase) == (
        flow.cameras[0],
        EventType.ANALYSIS_DEGRADED,
        EventPhase.CONFIRMED,
    )
    assert told.detail is not None
    assert told.detail.startswith("wedged: the analyzer did not come back from a batch within 2 s")
