"""Every frame that was taken is answered, and the next batch is taken and loaded while this one is looked at."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from prometheus_client import REGISTRY

from tests.waiting import wait_for
from watchpost.analyze import captured_frame
from watchpost.clock import SystemClock
from watchpost.contracts.camera_parts import UplinkReason
from watchpost.contracts.records import (
    CameraId,
    CaptureReason,
    FrameAnalyzed,
    FrameCaptured,
    ImageRef,
    Provenance,
    SkipReason,
)
from watchpost.errors import FrameGoneError, RetryableError
from watchpost.frames import FrameStore
from watchpost.inference.analyzer import LoadedFrame, Observation
from watchpost.inference.frame_answers import FrameAnswers
from watchpost.inference.looking import BatchLimit
from watchpost.settings import FrameSettings, InferenceSettings
from watchpost.stream import Received
from watchpost.vision.recording import RecordedFrame

PROVENANCE = Provenance("m", "fp16", "sha256:0", "", "1", "1")
Pixels = np.ndarray[tuple[int, ...], np.dtype[np.uint8]]


class GreyStore(FrameStore):
    """A real store that knows every picture, but those whose uri ends in `gone` or `away`, and counts the asked for."""

    def __init__(self, folder: Path) -> None:
        super().__init__(FrameSettings(url=f"file://{folder}"), SystemClock())
        self.asked: list[str] = []

    def load_bgr(self, image: ImageRef) -> Pixels:
        """A grey picture of the size that is asked for."""
        self.asked.append(image.uri)
        if image.uri.endswith("gone"):
            raise FrameGoneError(image.uri)
        if image.uri.endswith("away"):
            raise RetryableError(image.uri)
        return np.full((image.height, image.width, 3), 128, np.uint8)


class Looking:
    """An analyzer that writes down what it is asked, and looks on until it is let go."""

    provenance = PROVENANCE
    degraded = None

    def __init__(self) -> None:
        self.did: list[str] = []
        self.threads: set[int] = set()
        self.free = threading.Event()
        self.free.set()

    @property
    def batches(self) -> list[str]:
        """The frames of each look."""
        return [did for did in self.did if not did.startswith("forget")]

    def analyze(self, frames: Sequence[LoadedFrame]) -> list[Observation | SkipReason]:
        """Says of each fifth frame that it is paired."""
        self.threads.add(threading.get_ident())
        self.did.append(" ".join(frame.record.frame_id for frame in frames))
        assert self.free.wait(20)
        return [
            SkipReason.PAIRED if frame.record.sequence % 5 == 3 else Observation((), (), 1, PROVENANCE)
            for frame in frames
        ]

    def forget(self, camera: CameraId) -> None:
        """Write down which."""
        self.threads.add(threading.get_ident())
        self.did.append(f"forget {camera}")


def taken(
    number: int,
    camera: str = "door",
    *,
    age_s: float = 0.0,
    uri: str = "file:///frames/f.i420",
    warm_up: bool = False,
    reason: CaptureReason = CaptureReason.MOTION,
) -> Received[FrameCaptured]:
    """A frame as Kafka gives it: `a0` of the camera `a`, in a partition of that camera's."""
    shot = captured_frame(RecordedFrame(number, number / 5, np.zeros((8, 8, 3), np.uint8)), CameraId(camera))
    at = SystemClock().now() - timedelta(seconds=age_s)
    record = replace(
        shot,
        frame_id=f"{camera}{number}",
        captured_at=at,
        expires_at=at + timedelta(seconds=5),
        image=replace(shot.image, uri=uri),
        reason=reason,
    )
    partition = ord(camera[0])
    return Received(record, camera, "watchpost.frames.v1", partition, number, 0, (), warm_up)


@pytest.fixture
def store(tmp_path: Path) -> GreyStore:
    return GreyStore(tmp_path)


@contextmanager
def answering(analyzer: Looking, store: GreyStore, batch: int = 4) -> Iterator[FrameAnswers]:
    """What is tested. It ends with the test, whatever the analyzer waits for."""
    settings = InferenceSettings(batch=batch)
    with FrameAnswers(analyzer, store, SystemClock(), settings, BatchLimit(batch)) as answers:
        try:
            yield answers
        finally:
            analyzer.free.set()


def all_said(answers: FrameAnswers) -> list[FrameAnalyzed]:
    """What is said until nothing is unanswered."""
    said: list[FrameAnalyzed] = []

    def look() -> list[Received[FrameCaptured]]:
        said.extend(answers.said())
        return answers.unanswered

    wait_for(look, lambda unanswered: not unanswered)
    return said


def ids(answers: FrameAnswers) -> set[str]:
    return {received.record.frame_id for received in answers.unanswered if received.record}


def test_frames_are_taken_and_loaded_while_the_analyzer_looks(store: GreyStore) -> None:
    looking = Looking()
    with answering(looking, store) as answers:
        looking.free.clear()
        answers.add([taken(number) for number in range(4)])
        assert answers.said() == []

        for number in range(4, 8):
            answers.add([taken(number)])
            assert answers.said() == []
        wait_for(lambda: len(store.asked), lambda asked: asked == 8)

        assert wait_for(lambda: looking.batches) == ["door0 door1 door2 door3"]
        assert answers.wait_ms == 0
        assert len(answers.unanswered) == 8


def test_loading_and_looking_go_on_at_the_same_time_in_every_batch_but_the_first(tmp_path: Path) -> None:
    batch, count = 4, 16

    class OnlyTogether(GreyStore):
        """Gives no picture of a batch before the look at the batch before it has begun."""

        def load_bgr(self, image: ImageRef) -> Pixels:
            before = int(image.uri) // batch
            wait_for(lambda: len(looking.batches), lambda begun: begun >= before)
            return super().load_bgr(image)

    class UntilTheNextIsLoaded(Looking):
        """Does not see a batch before all pictures of the next are there."""

        def analyze(self, frames: Sequence[LoadedFrame]) -> list[Observation | SkipReason]:
            next_one = len(self.batches) + 2
            seen = super().analyze(frames)
            wait_for(lambda: len(store.asked), lambda asked: asked >= min(count, next_one * batch))
            return seen

    looking, store = UntilTheNextIsLoaded(), OnlyTogether(tmp_path)
    with answering(looking, store, batch) as answers:
        answers.add([taken(number, uri=str(number)) for number in range(count)])
        answered = all_said(answers)

    # whoever loads waits for whoever looks and the other way round: one after the other they would wait for ever
    assert [frame.frame_id for frame in answered] == [f"door{number}" for number in range(count)]
    assert len(looking.batches) == count // batch


def test_no_more_than_the_next_two_batches_are_loaded_ahead(store: GreyStore) -> None:
    looking = Looking()
    with answering(looking, store, batch=2) as answers:
        looking.free.clear()
        answers.add([taken(number) for number in range(20)])
        answers.said()
        wait_for(lambda: len(store.asked), lambda asked: asked >= 4)

        for _ in range(10):
            answers.said()

        assert len(store.asked) == 4


def test_next_batch_is_begun_before_the_answers_of_this_one_are_given(store: GreyStore) -> None:
    looking = Looking()
    with answering(looking, store, batch=2) as answers:
        answers.add([taken(number) for number in range(4)])

        said = wait_for(answers.said)

        assert [frame.frame_id for frame in said] == ["door0", "door1"]
        assert ids(answers) == {"door2", "door3"}
        wait_for(lambda: looking.batches, lambda batches: len(batches) == 2)


@pytest.mark.parametrize("count", [0, 1, 7])
def test_every_frame_is_answered_in_order_with_what_it_shows_or_why_not(store: GreyStore, count: int) -> None:
    frames = [taken(number, uri="gone" if number == 2 else "f") for number in range(count)]
    with answering(Looking(), store, batch=3) as answers:
        answers.add(frames)
        answered = all_said(answers)

    skipped = {2: SkipReason.FRAME_GONE, 3: SkipReason.PAIRED}
    assert [(frame.frame_id, frame.skipped) for frame in answered] == [
        (f"door{number}", skipped.get(number)) for number in range(count)
    ]
    assert all(frame.provenance == PROVENANCE for frame in answered)


def test_answer_says_of_a_frame_what_ingest_said_of_it(store: GreyStore) -> None:
    plain = taken(0)
    assert plain.record is not None
    told = replace(plain.record, frame_id="told", recorded=True, uplink_reason=UplinkReason.CHANGED)
    with answering(Looking(), store) as answers:
        answers.add([plain, replace(plain, record=told)])
        answered = {frame.frame_id: (frame.recorded, frame.uplink_reason) for frame in all_said(answers)}

    assert answered == {"door0": (False, None), "told": (True, UplinkReason.CHANGED)}


def test_frames_that_are_too_old_or_too_many_are_answered_without_a_look(store: GreyStore) -> None:
    looking = Looking()
    frames = [taken(0, age_s=6), *(taken(number, age_s=2) for number in range(1, 6))]
    with answering(looking, store, batch=2) as answers:
        answers.add(frames)
        answered = all_said(answers)

    reasons = {frame.frame_id: frame.skipped for frame in answered}
    late = dict.fromkeys(["door0", "door1", "door2", "door3"], SkipReason.OVERLOAD)
    assert reasons == {**late, "door4": None, "door5": None}
    assert looking.batches == ["door4 door5"]


def test_expired_frame_is_told_after_the_frames_before_it_that_are_looked_at(store: GreyStore) -> None:
    looking = Looking()
    with answering(looking, store) as answers:
        looking.free.clear()
        answers.add([taken(0)])
        answers.said()
        answers.add([taken(1, age_s=6)])

        assert answers.said() == []
        assert ids(answers) == {"door0", "door1"}
        looking.free.set()
        answered = all_said(answers)

    assert [(frame.frame_id, frame.skipped) for frame in answered] == [("door0", None), ("door1", SkipReason.EXPIRED)]


def test_warm_up_is_looked_at_however_old_and_not_answered(store: GreyStore) -> None:
    looking = Looking()
    with answering(looking, store) as answers:
        answers.add([taken(0, age_s=6, warm_up=True), taken(1)])
        answered = all_said(answers)

    assert " ".join(looking.batches) == "door0 door1"
    assert [frame.frame_id for frame in answered] == ["door1"]


def test_partition_that_leaves_takes_its_frames_along_and_is_forgotten_between_two_looks(store: GreyStore) -> None:
    looking = Looking()
    with answering(looking, store, batch=2) as answers:
        looking.free.clear()
        answers.add([taken(0, "a"), taken(0, "b")])
        answers.said()
        answers.add([taken(1, "a"), taken(1, "b"), taken(2, "a", age_s=6)])
        answers.said()

        answers.forget("watchpost.frames.v1", frozenset({ord("a")}))

        assert ids(answers) == {"b0", "b1"}
        looking.free.set()
        answered = all_said(answers)

    assert [frame.frame_id for frame in answered] == ["b0", "b1"]
    assert looking.did == ["a0 b0", "forget a", "b1"]
    assert len(looking.threads) == 1


def test_partition_that_comes_back_is_answered_by_what_is_taken_again(store: GreyStore) -> None:
    looking = Looking()
    with answering(looking, store) as answers:
        looking.free.clear()
        answers.add([taken(0)])
        answers.said()
        answers.forget("watchpost.frames.v1", frozenset({ord("d")}))
        answers.add([taken(0), taken(1)])

        assert ids(answers) == {"door0", "door1"}
        looking.free.set()
        answered = all_said(answers)

    assert [frame.frame_id for frame in answered] == ["door0", "door1"]


def test_kafka_is_waited_for_only_while_nothing_else_is_to_do(store: GreyStore) -> None:
    looking = Looking()
    with answering(looking, store) as answers:
        assert answers.wait_ms == 500
        looking.free.clear()
        answers.add([taken(0)])
        answers.said()

        assert answers.wait_ms == 0
        assert answers.room == 256
        answers.add([taken(number) for number in range(1, 300)])
        assert answers.room == 1


def test_store_out_of_reach_ends_the_worker_with_nothing_answered(store: GreyStore) -> None:
    with answering(Looking(), store) as answers:
        answers.add([taken(0, uri="away")])

        with pytest.raises(RetryableError, match="away"):
            all_said(answers)


@pytest.mark.parametrize(
    ("frame", "counted"),
    [
        (lambda: taken(0, age_s=-3), 1),
        (lambda: taken(0, warm_up=True), 0),
        (lambda: taken(0, reason=CaptureReason.BURST), 0),
    ],
)
def test_time_in_the_queue_is_counted_of_frames_that_waited(
    store: GreyStore, frame: Callable[[], Received[FrameCaptured]], counted: int
) -> None:
    def queued(what: str) -> float:
        return REGISTRY.get_sample_value(f"watchpost_inference_stage_seconds_{what}", {"stage": "queue"}) or 0.0

    before, before_s = queued("count"), queued("sum")
    with answering(Looking(), store) as answers:
        answers.add([frame()])
        all_said(answers)

    assert queued("count") - before == counted
    # a camera's clock that is ahead does not make the time negative
    assert queued("sum") >= before_s
