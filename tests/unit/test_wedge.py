"""A worker whose analyzer hangs ends, so that another takes its cameras over."""

import subprocess
import sys
import threading
from collections.abc import Sequence

import pytest

from watchpost.contracts.records import CameraId, Provenance, SkipReason
from watchpost.inference.analyzer import LoadedFrame, Observation
from watchpost.inference.wedge import EXIT_WEDGED, WatchedAnalyzer

HANGS = """
import threading
from tests.unit.test_wedge import Gpu
from watchpost.inference.wedge import WatchedAnalyzer
WatchedAnalyzer(Gpu(threading.Event()), after_s=0.2).analyze([])
"""


class Gpu:
    """An analyzer that comes back when it is let go."""

    provenance = Provenance("m", "fp16", "sha256:0", "", "1", "1")
    degraded = "slow today"

    def __init__(self, free: threading.Event) -> None:
        self.free = free
        self.forgotten: list[CameraId] = []

    def analyze(self, frames: Sequence[LoadedFrame]) -> list[Observation | SkipReason]:
        self.free.wait()
        return [SkipReason.PAIRED for _ in frames]

    def forget(self, camera: CameraId) -> None:
        self.forgotten.append(camera)


def test_process_whose_analyzer_hangs_ends_with_a_code_of_its_own() -> None:
    ended = subprocess.run([sys.executable, "-c", HANGS], capture_output=True, text=True, timeout=30, check=False)

    assert ended.returncode == EXIT_WEDGED
    assert "analyzer_wedged" in ended.stdout + ended.stderr


def test_analyzer_that_comes_back_in_time_ends_nothing() -> None:
    ended, free = threading.Event(), threading.Event()
    free.set()
    watched = WatchedAnalyzer(Gpu(free), after_s=0.05, end=ended.set)

    assert list(watched.analyze([])) == []
    assert not ended.wait(0.2)


def test_time_that_is_over_is_told_while_the_analyzer_still_hangs() -> None:
    free = threading.Event()
    watched = WatchedAnalyzer(Gpu(free), after_s=0.05, end=free.set)

    # it hangs until its time is over
    watched.analyze([])

    assert free.is_set()


@pytest.mark.parametrize("camera", ["door", "yard"])
def test_all_else_is_the_analyzers_own(camera: str) -> None:
    gpu = Gpu(threading.Event())
    watched = WatchedAnalyzer(gpu, after_s=1)

    watched.forget(CameraId(camera))

    assert gpu.forgotten == [camera]
    assert (watched.provenance, watched.degraded) == (gpu.provenance, "slow today")
