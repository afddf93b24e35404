"""Every frame that was read is answered, and the next batch is loaded while this one is looked at."""

import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from watchpost.analyze import captured_frame
from watchpost.clock import SystemClock
from watchpost.contracts.records import CameraId, FrameCaptured, ImageRef, Provenance, SkipReason
from watchpost.frames import FrameStore
from watchpost.inference.analyzer import LoadedFrame, Observation
from watchpost.inference.frame_answers import FrameAnswers
from watchpost.inference.looking import BatchLimit
from watchpost.settings import FrameSettings, InferenceSettings
from watchpost.stream import Received
from watchpost.vision.recording import RecordedFrame

PROVENANCE = Provenance("m", "fp16", "sha256:0", "", "1", "1")


class CountingStore(FrameStore):
    """A real store that says how many pictures were asked for."""

    def __init__(self, folder: Path) -> None:
        super().__init__(FrameSettings(url=f"file://{folder}"), SystemClock())
        self.loads = threading.Semaphore(0)

    def load_bgr(self, image: ImageRef) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
        """A grey picture of the size that is asked for."""
        self.loads.release()
        return np.full((image.height, image.width, 3), 128, np.uint8)


class Looking:
    """An analyzer that looks at its first batch until the pictures of the next have been asked for."""

    provenance = PROVENANCE
    degraded = None

    def __init__(self, store: CountingStore, *, waits_for: int = 0) -> None:
        self.store, self.waits_for = store, waits_for
        self.overlapped = True

    def analyze(self, frames: Sequence[LoadedFrame]) -> list[Observation | SkipReason]:
        while self.waits_for:
            self.waits_for -= 1
            self.overlapped &= self.store.loads.acquire(timeout=10)
        return [
            SkipReason.PAIRED if frame.record.sequence % 5 == 3 else Observation((), (), 1, PROVENANCE)
            for frame in frames
        ]

    def forget(self, camera: CameraId) -> None:
        """Remember nothing, forget nothing."""


def read(count: int) -> list[Received[FrameCaptured]]:
    picture = np.zeros((8, 8, 3), np.uint8)
    now = SystemClock().now()
    records = [captured_frame(RecordedFrame(index, index / 5, picture), CameraId("door")) for index in range(count)]
    fresh = [replace(record, captured_at=now, expires_at=now + timedelta(seconds=60)) for record in records]
    return [received(record) for record in fresh]


def received(record: FrameCaptured) -> Received[FrameCaptured]:
    return Received(
        topic="watchpost.frames.v1",
        partition=0,
        offset=record.sequence,
        timestamp_ms=0,
        key="door",
        headers=(),
        record=record,
        warm_up=False,
    )


def answers_of(analyzer: Looking, store: CountingStore, batch: int) -> FrameAnswers:
    return FrameAnswers(analyzer, store, SystemClock(), InferenceSettings(batch=batch), BatchLimit(batch))


def test_next_batch_is_loaded_while_this_one_is_looked_at(tmp_path: Path) -> None:
    store = CountingStore(tmp_path)
    # its own four, and four of the batch after it
    analyzer = Looking(store, waits_for=8)

    answered = list(answers_of(analyzer, store, batch=4).of(read(12)))

    assert analyzer.overlapped
    assert [frame.frame_id for frame in answered] == [one.record.frame_id for one in read(12) if one.record]


@pytest.mark.parametrize("count", [0, 1, 7])
def test_every_frame_is_answered_in_order_with_what_it_shows_or_why_not(tmp_path: Path, count: int) -> None:
    store = CountingStore(tmp_path)
    frames = read(count)
    if count > 2 and frames[2].record is not None:
        frames[2] = received(replace(frames[2].record, expires_at=SystemClock().now() - timedelta(seconds=1)))

    answered = list(answers_of(Looking(store), store, batch=3).of(frames))

    skipped = {2: SkipReason.EXPIRED, 3: SkipReason.PAIRED} if count > 2 else {}
    assert [frame.skipped for frame in answered] == [skipped.get(index) for index in range(count)]
    assert all(frame.provenance == PROVENANCE for frame in answered)
