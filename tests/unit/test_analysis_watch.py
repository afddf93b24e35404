"""What a worker has to say of its analysis is told, kept until it is acknowledged, and shown in figures."""

import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from tests.fakes.observations import BEGINNING, analyzed
from watchpost.analyze import captured_frame
from watchpost.contracts.records import (
    CameraId,
    EventChanged,
    EventPhase,
    Provenance,
    Record,
    SkipReason,
)
from watchpost.errors import RetryableError
from watchpost.inference.analysis_watch import AnalysisWatch
from watchpost.inference.analyzer import LoadedFrame, Observation
from watchpost.settings import SiteSettings
from watchpost.stream import RecordProducer
from watchpost.stream.messages import Header
from watchpost.telemetry import Health, metrics
from watchpost.vision.recording import RecordedFrame

DOOR = CameraId("door")
FPS = 5


class Hands:
    """A clock that a test turns, by both of its faces."""

    def __init__(self) -> None:
        self.s = 0.0

    def now(self) -> datetime:
        return BEGINNING + timedelta(seconds=self.s)

    def now_s(self) -> float:
        return self.s


class Notebook(RecordProducer):
    """A producer that writes down what is sent, and acknowledges it unless it is told to fail."""

    def __init__(self) -> None:
        self.sent: list[EventChanged] = []
        self.acknowledged = 0
        self.fails = False

    def send(self, topic: str, record: Record, *, key: str, headers: Sequence[Header] = ()) -> None:
        assert isinstance(record, EventChanged)
        assert (topic, key, headers) == ("watchpost.events.v1", record.camera, ())
        self.sent.append(record)

    def flush(self, timeout_s: float = 30.0) -> None:  # noqa: ARG002  (the signature is the producer's)
        if self.fails:
            raise RetryableError("Kafka did not take a record")
        self.acknowledged = len(self.sent)


class HalfASecond:
    """An analyzer that takes half a second a batch, or hangs."""

    provenance = Provenance("m", "fp16", "sha256:0", "", "1", "1")
    degraded = None

    def __init__(self, hands: Hands) -> None:
        self._hands = hands
        self.free = threading.Event()
        self.free.set()

    def analyze(self, frames: Sequence[LoadedFrame]) -> list[Observation | SkipReason]:
        self.free.wait()
        self._hands.s += 0.5
        return [SkipReason.PAIRED for _ in frames]

    def forget(self, camera: CameraId) -> None:
        """Remember nothing, forget nothing."""


class Worker:
    """A worker's life around an `AnalysisWatch`, in the folder that its successor finds."""

    def __init__(self, folder: Path, hands: Hands, ended: threading.Event | None = None, after_s: float = 60) -> None:
        self.hands, self.producer, self.health = hands, Notebook(), Health("inference")
        settings = SiteSettings.model_validate({"state_dir": folder, "inference": {"wedged_after_s": after_s}})
        end = (ended or threading.Event()).set
        self.watch = AnalysisWatch(settings, self.health, hands, hands.now_s, end)
        self.looks = HalfASecond(hands)
        self.analyzer = self.watch.over(self.looks)
        self.watch.begin(self.producer)

    def lives(self, seconds: float, skipped: SkipReason | None) -> None:
        for number in range(round(seconds * FPS)):
            self.watch.answered(replace(analyzed(number, self.hands.s, []), camera=DOOR, skipped=skipped))
            self.hands.s += 1 / FPS
            self.watch.tell(self.producer)

    def dies(self) -> None:
        self.watch._kept.give_up()  # as the kernel does for a process that ended


def picture(camera: CameraId = DOOR) -> LoadedFrame:
    pixels = np.zeros((8, 8, 3), np.uint8)
    return LoadedFrame(captured_frame(RecordedFrame(0, 0.0, pixels), camera), pixels)


def test_degraded_camera_is_told_and_acknowledged_at_once(tmp_path: Path) -> None:
    worker = Worker(tmp_path, Hands())

    worker.lives(20, SkipReason.OVERLOAD)

    assert [event.phase for event in worker.producer.sent] == [EventPhase.CONFIRMED]
    assert worker.producer.acknowledged == 1
    assert worker.producer.sent[0].provenance == HalfASecond.provenance


def test_successor_repeats_what_is_open_byte_for_byte_and_ends_it(tmp_path: Path) -> None:
    hands = Hands()
    first = Worker(tmp_path, hands)
    first.lives(20, SkipReason.OVERLOAD)
    first.dies()

    second = Worker(tmp_path, hands)
    repeated = list(second.producer.sent)
    second.lives(60, None)

    assert repeated == first.producer.sent
    assert [(event.event_id, event.revision, event.phase) for event in second.producer.sent[1:]] == [
        (first.producer.sent[0].event_id, 2, EventPhase.ENDED)
    ]
    second.dies()
    assert Worker(tmp_path, hands).producer.sent == []


def test_end_that_was_not_acknowledged_is_told_by_the_successor(tmp_path: Path) -> None:
    hands = Hands()
    first = Worker(tmp_path, hands)
    first.lives(20, SkipReason.OVERLOAD)
    first.producer.fails = True
    with pytest.raises(RetryableError):
        first.lives(60, None)
    first.dies()

    second = Worker(tmp_path, hands)
    second.lives(5, None)

    assert second.producer.sent == first.producer.sent[1:]
    assert second.producer.sent[0].phase is EventPhase.ENDED
    assert second.producer.acknowledged == 1
    second.dies()
    assert Worker(tmp_path, hands).producer.sent == []


def test_hanging_analyzer_is_told_by_the_successor_for_the_cameras_of_its_batch(tmp_path: Path) -> None:
    hands, ended = Hands(), threading.Event()
    first = Worker(tmp_path, hands, ended, after_s=0.05)
    first.looks.free = ended  # it hangs until its process ends

    first.analyzer.analyze([picture(), picture(CameraId("yard"))])
    second = Worker(tmp_path, hands)

    assert [(event.camera, event.phase) for event in second.producer.sent] == [
        ("door", EventPhase.CONFIRMED),
        ("yard", EventPhase.CONFIRMED),
    ]
    assert all(event.detail and event.detail.startswith("wedged: ") for event in second.producer.sent)


def test_process_of_a_hanging_analyzer_ends_also_when_nothing_can_be_noted(tmp_path: Path) -> None:
    (tmp_path / "inference").write_text("no folder")
    hands, ended = Hands(), threading.Event()
    worker = Worker(tmp_path, hands, ended, after_s=0.05)
    worker.looks.free = ended

    worker.analyzer.analyze([picture()])

    assert ended.is_set()


def test_figures_are_shown_and_noted_when_cameras_send_more_than_is_looked_at(tmp_path: Path) -> None:
    worker = Worker(tmp_path, Hands())
    for _ in range(5):
        worker.analyzer.analyze([picture()])

    worker.lives(60, SkipReason.OVERLOAD)

    assert metrics.INFERENCE_CAPACITY_FPS._value.get() == 2
    assert metrics.INFERENCE_DEMAND_FPS._value.get() == pytest.approx(FPS, rel=0.05)
    said = worker.health.notes()["load"]
    assert said.startswith("the cameras send 5.0 frames/s and this worker can look at 2.0: fewer cameras")
    assert said in (worker.producer.sent[0].detail or "")


def test_note_goes_when_the_cameras_send_less(tmp_path: Path) -> None:
    worker = Worker(tmp_path, Hands())
    for _ in range(5):
        worker.analyzer.analyze([picture()])
    worker.lives(60, SkipReason.OVERLOAD)

    for _ in range(120):
        worker.hands.s += 1
        worker.watch.tell(worker.producer)

    assert worker.health.notes() == {}


def test_worker_that_is_slow_for_another_reason_is_not_told_to_have_fewer_cameras(tmp_path: Path) -> None:
    worker = Worker(tmp_path, Hands())
    worker.analyzer.analyze([picture()] * 20)

    worker.lives(30, SkipReason.EXPIRED)

    detail = worker.producer.sent[0].detail or ""
    assert "can look at 40.0: something else holds it up" in detail
    assert worker.health.notes() == {}
