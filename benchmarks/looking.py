"""The site's analyzer on one thread with a stopwatch, and the bare detector on the same frames beside it."""

import time
from collections.abc import Sequence
from pathlib import Path

import cv2

from watchpost.contracts.records import CameraId
from watchpost.inference.analyzer import LoadedFrame, Observation
from watchpost.inference.detector import load_detector
from watchpost.inference.yolox import load_yolox
from watchpost.inference.yolox_rules import YoloxRules, canvas_px

__all__ = ["TimedAnalyzer"]

_MODEL = "yolox-nano"


class TimedAnalyzer:
    """An Analyzer. Times are CPU time, so that a busy machine does not change them.

    Args:
        models_dir: where the models lie.
        alone: whether to run the bare detector too, for comparison.

    """

    def __init__(self, models_dir: Path, *, alone: bool = True) -> None:
        cv2.setNumThreads(1)
        self._analyzer = load_yolox(_MODEL, models_dir, "benchmark")
        self._detector = load_detector(_MODEL, models_dir, ("person",)) if alone else None
        self.provenance = self._analyzer.provenance
        self.degraded = self._analyzer.degraded
        self.frames = 0
        self.analyzer_s = 0.0
        self.detector_s = 0.0

    def analyze(self, frames: Sequence[LoadedFrame]) -> list[Observation]:
        """What the analyzer says, timed."""
        began = time.process_time()
        observations = self._analyzer.analyze(frames)
        self.analyzer_s += time.process_time() - began
        self.frames += len(frames)
        if self._detector is not None:
            began = time.process_time()
            for frame in frames:
                height, width = frame.bgr.shape[:2]
                rules = YoloxRules()
                self._detector.find(frame.bgr, *canvas_px(width, height, rules), rules.tracking.keep_score)
            self.detector_s += time.process_time() - began
        return observations

    def forget(self, camera: CameraId) -> None:
        """Drop what is remembered of a camera."""
        self._analyzer.forget(camera)

    def cost(self) -> dict[str, float]:
        """Milliseconds of CPU a frame, since the last call."""
        frames = max(1, self.frames)
        whole, alone = 1000 * self.analyzer_s / frames, 1000 * self.detector_s / frames
        self.frames, self.analyzer_s, self.detector_s = 0, 0.0, 0.0
        cost = {"cpu_ms_per_frame": round(whole, 1)}
        if alone:
            cost |= {"detector_alone_cpu_ms_per_frame": round(alone, 1), "times_the_detector": round(whole / alone, 2)}
        return cost
