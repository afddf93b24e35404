"""Somebody stands still before a real ingest and a real events service: Kafka lies between them, tests play inference.

The camera is quiet from its first picture to its last, so that nothing but who is followed can keep it awake.
"""

import threading
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

from tests.fakes.brokers import Broker, unique
from tests.fakes.ingest_service import IngestService
from tests.fakes.observations import person
from tests.fakes.onset import Onset, write_onset
from tests.fakes.specs import camera_spec
from tests.integration.events_site import EventsSite
from tests.waiting import wait_for
from watchpost.contracts import TopicName, decode
from watchpost.contracts.records import Command, CommandKind, FrameAnalyzed, FrameCaptured, Provenance

pytestmark = pytest.mark.kafka

_HOLD_S = 1.0
_AFTER, _LOST = timedelta(seconds=5), timedelta(seconds=3)
_ACTIVE_GAP = timedelta(milliseconds=500)
_PROVENANCE = Provenance("played", "fp32", "0", "0", "test", "test")


class PlayedInference:
    """Answers each frame of a camera, from a thread: that somebody stands there, until they have `left`.

    with PlayedInference(ingest, site, "door") as inference:
        …
        inference.left.set()
    """

    def __init__(self, ingest: IngestService, site: EventsSite, camera: str) -> None:
        self._ingest, self._site, self._camera = ingest, site, camera
        self._lock = threading.Lock()
        self._frames: list[FrameCaptured] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._play, name="inference")
        self.left = threading.Event()
        self.seen_last = datetime.now(UTC)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    @property
    def frames(self) -> list[FrameCaptured]:
        """Those that were answered so far."""
        with self._lock:
            return list(self._frames)

    def _play(self) -> None:
        answered = 0
        while not self._stop.is_set():
            frames = self._ingest.frames(self._camera)
            new, answered = frames[answered:], len(frames)
            self._site.observe([self._answer(frame) for frame in new])
            with self._lock:
                self._frames += new

    def _answer(self, frame: FrameCaptured) -> FrameAnalyzed:
        people = () if self.left.is_set() else (person(),)
        if people:
            self.seen_last = frame.captured_at
        return FrameAnalyzed(
            frame_id=frame.frame_id,
            site=frame.site,
            camera=frame.camera,
            captured_at=frame.captured_at,
            analyzed_at=frame.captured_at + timedelta(milliseconds=50),
            image=frame.image,
            reason=frame.reason,
            assignment=frame.assignment,
            stream_bytes=frame.stream_bytes,
            objects=people,
            answers=(),
            person_count=len(people),
            skipped=None,
            provenance=_PROVENANCE,
        )


@pytest.fixture
def site(broker: Broker, tmp_path: Path) -> Iterator[EventsSite]:
    made = EventsSite(broker.bootstrap, tmp_path)
    yield made
    made.close()


def asked(site: EventsSite) -> list[Command]:
    commands = [decode(value, Command) for value in site.values(TopicName.COMMANDS)]
    return [command for command in commands if command.kind is CommandKind.FOLLOW]


def gaps_s(frames: Sequence[FrameCaptured]) -> list[float]:
    return [(after.captured_at - before.captured_at).total_seconds() for before, after in pairwise(frames)]


def are_five_a_second(frames: Sequence[FrameCaptured], for_s: float) -> bool:
    """Whether they were for so long, up to now."""
    count = round(for_s * 5)
    return len(frames) > count and sum(gaps_s(frames)[-count:]) <= for_s + 0.1


def test_camera_is_looked_at_five_times_a_second_while_somebody_stands_still_and_five_seconds_after_the_track(
    site: EventsSite, broker: Broker, tmp_path: Path
) -> None:
    camera, clip = unique("still"), write_onset(tmp_path / "still.mp4", Onset(at_s=20, lasts_s=0))
    site.service().start()
    settings = {"ingest": {"group": unique("ingest"), "active_hold_s": _HOLD_S}}
    with IngestService(broker.bootstrap, tmp_path, more=settings) as ingest:
        ingest.write(camera_spec(camera, source=f"file:{clip}?loop=1"))
        with PlayedInference(ingest, site, camera) as inference:
            wait_for(lambda: inference.frames, lambda frames: are_five_a_second(frames, 8 * _HOLD_S), within_s=60)
            inference.left.set()
            frames = wait_for(lambda: inference.frames, lambda frames: min(gaps_s(frames)[-2:]) > 0.9, within_s=60)
            metrics = ingest.metrics()
        given_up = inference.seen_last + _LOST
        ended = wait_for(lambda: [one.around for one in asked(site) if one.around > given_up])[-1]

    of_camera = f'watchpost_decode_cpu_seconds_total{{camera="{camera}",cause="'
    assert f'{of_camera}followed",mode="active"}}' in metrics
    assert f"{of_camera}pixels" not in metrics, "nothing moved"
    assert min(gaps_s(frames)[:2]) > 0.9, "who is not known yet is looked at once a second"
    active = [after for before, after in pairwise(frames) if after.captured_at - before.captured_at < _ACTIVE_GAP]
    assert timedelta(0) <= ended + _AFTER - active[-1].captured_at < timedelta(seconds=1)
