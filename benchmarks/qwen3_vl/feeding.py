"""JPEG bytes in, answers out: what a worker does with frames, without the Kafka that the GPU machine lacks."""

import queue
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from benchmarks.qwen3_vl.models import SHEET
from watchpost.inference.qwen3_vl.scorer import Qwen3VlScorer
from watchpost.inference.scorer import Look

__all__ = ["Figures", "Load", "flat_out", "held", "jpegs"]

_DECODERS, _FEEDERS = 8, 2
_Arrived: TypeAlias = "queue.SimpleQueue[tuple[float, npt.NDArray[np.uint8]] | None]"


@dataclass(frozen=True, slots=True)
class Load:
    """Cameras and what each sends."""

    cameras: int
    fps: float
    width_px: int
    height_px: int


@dataclass(slots=True)
class Figures:
    """Latencies from JPEG to answer, by frame."""

    seconds: float = 0.0
    latencies_ms: list[float] = field(default_factory=list)

    @property
    def fps(self) -> float:
        """Frames answered a second."""
        return len(self.latencies_ms) / self.seconds

    def percentile_ms(self, q: float) -> float:
        """A percentile of the latency."""
        return float(np.percentile(self.latencies_ms, q))


def jpegs(width_px: int, height_px: int, count: int = 16) -> list[bytes]:
    """Pictures with the detail of a street: blocks, edges and sensor noise, about 0.1 byte a pixel."""
    drawn = np.random.default_rng(7)
    pictures = []
    for _ in range(count):
        coarse = drawn.integers(0, 256, (height_px // 40, width_px // 40, 3), dtype=np.uint8)
        picture = cv2.resize(coarse, (width_px, height_px), interpolation=cv2.INTER_CUBIC)
        noise = drawn.integers(-4, 5, picture.shape, dtype=np.int16)
        noisy = np.clip(picture.astype(np.int16) + noise, 0, 255).astype(np.uint8)
        pictures.append(cv2.imencode(".jpg", noisy, [cv2.IMWRITE_JPEG_QUALITY, 80])[1].tobytes())
    return pictures


def flat_out(
    scorer: Qwen3VlScorer, pictures: Sequence[bytes], batch: int, seconds: float, *, paired: bool = False
) -> Figures:
    """As many frames as go through, in batches of `batch` patches: of two frames each where they are paired.

    Two threads feed: while the GPU works on the batch of one, the other's is decoded and uploaded.
    """
    figures, guard = Figures(), threading.Lock()
    frames = batch * (2 if paired else 1)
    with ThreadPoolExecutor(_DECODERS) as decoders:
        _warm(scorer, pictures, batch, paired=paired)
        started = time.perf_counter()

        def feed(first: int) -> None:
            turn = first
            while time.perf_counter() - started < seconds:
                begun = time.perf_counter()
                chosen = [pictures[(turn * frames + index) % len(pictures)] for index in range(frames)]
                scorer.score(_looks(list(decoders.map(_decoded, chosen)), paired=paired))
                took_ms = (time.perf_counter() - begun) * 1e3
                with guard:
                    figures.latencies_ms.extend([took_ms] * frames)
                turn += _FEEDERS

        feeders = [threading.Thread(target=feed, args=(index,)) for index in range(_FEEDERS)]
        for feeder in feeders:
            feeder.start()
        for feeder in feeders:
            feeder.join()
        figures.seconds = time.perf_counter() - started
    return figures


def held(scorer: Qwen3VlScorer, load: Load, largest_batch: int, seconds: float) -> Figures:
    """Cameras that send at their own pace. No frame is shed: who falls behind has late answers."""
    pictures = jpegs(load.width_px, load.height_px)
    arrived: _Arrived = queue.SimpleQueue()
    figures, guard = Figures(seconds=seconds), threading.Lock()
    for size in (1, largest_batch):
        _warm(scorer, pictures, size, paired=False)

    def work() -> None:
        while (batch := _waiting(arrived, largest_batch)) is not None:
            scorer.score(_looks([picture for _, picture in batch], paired=False))
            now = time.perf_counter()
            with guard:
                figures.latencies_ms.extend((now - at) * 1e3 for at, _ in batch)

    workers = [threading.Thread(target=work) for _ in range(_FEEDERS)]
    for worker in workers:
        worker.start()
    with ThreadPoolExecutor(_DECODERS) as decoders:
        for at, picture in _arrivals(load, pictures, seconds):
            decoders.submit(_arrive, arrived, at, picture)
    for _ in workers:
        arrived.put(None)
    for worker in workers:
        worker.join()
    return figures


def _arrive(arrived: _Arrived, at: float, jpeg: bytes) -> None:
    arrived.put((at, _decoded(jpeg)))


def _arrivals(load: Load, pictures: Sequence[bytes], seconds: float) -> Iterator[tuple[float, bytes]]:
    """Each frame when it is due; cameras are out of step with each other, as they are."""
    period = 1 / load.fps
    due = sorted(
        camera * period / load.cameras + turn * period
        for camera in range(load.cameras)
        for turn in range(int(seconds * load.fps))
    )
    started, wait = time.perf_counter(), threading.Event()
    for index, at in enumerate(due):
        wait.wait(max(0.0, started + at - time.perf_counter()))
        yield started + at, pictures[index % len(pictures)]


def _waiting(arrived: _Arrived, most: int) -> list[tuple[float, npt.NDArray[np.uint8]]] | None:
    """What has arrived, at least one; None at the end."""
    first = arrived.get()
    if first is None:
        return None
    batch = [first]
    while len(batch) < most:
        try:
            further = arrived.get_nowait()
        except queue.Empty:
            break
        if further is None:
            arrived.put(None)
            break
        batch.append(further)
    return batch


def _decoded(jpeg: bytes) -> npt.NDArray[np.uint8]:
    picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None  # noqa: S101  encoded above
    return picture.astype(np.uint8, copy=False)


def _looks(pictures: list[npt.NDArray[np.uint8]], *, paired: bool) -> list[Look]:
    if not paired:
        return [Look(picture, SHEET) for picture in pictures]
    return [Look(later, SHEET, earlier) for earlier, later in zip(pictures[::2], pictures[1::2], strict=True)]


def _warm(scorer: Qwen3VlScorer, pictures: Sequence[bytes], batch: int, *, paired: bool) -> None:
    frames = [_decoded(pictures[index % len(pictures)]) for index in range(batch * (2 if paired else 1))]
    for _ in range(2):
        scorer.score(_looks(frames, paired=paired))
