"""How well people are counted on street.avi, against counts made by eye, with OpenCV's HOG as the known yardstick."""

import json
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from benchmarks.looking import TimedAnalyzer
from watchpost.analyze import analyze_frames
from watchpost.contracts.records import CameraId
from watchpost.events.logic import EventRules
from watchpost.vision.recording import RecordedFrame, read_recording

__all__ = ["count_errors"]

_COUNTS = Path(__file__).with_name("street_counts.json")
_EVERY_FRAME_FPS = 1000.0
_STEP = 2
"""Of street.avi's ten frames a second every second one is analysed, as at a site."""
_HOG_ZOOM = 1.5
_HOG_WEIGHT = 0.5


def count_errors(footage: Path, analyzer: TimedAnalyzer) -> dict[str, Any]:
    """Mean absolute errors of the analyzer and of HOG over the frames counted by eye, and what a frame costs."""
    truth = {int(index): int(count) for index, count in json.loads(_COUNTS.read_text())["counts"].items()}
    frames = _analysed(list(read_recording(footage / "street.avi", _EVERY_FRAME_FPS)), truth)
    lines = analyze_frames(iter(frames), analyzer, EventRules("benchmark"), CameraId("street"))
    counted = {line["frame_index"]: line["person_count"] for line in lines if "event" not in line}
    cost = analyzer.cost()
    began = time.process_time()
    hog = {frame.index: _hog_count(frame.bgr) for frame in frames if frame.index in truth}
    return {
        "frames_counted_by_eye": len(truth),
        "mean_absolute_error": _error(truth, counted),
        **cost,
        "off_by": {index: counted[index] - true for index, true in truth.items() if counted[index] != true},
        "hog_mean_absolute_error": _error(truth, hog),
        "hog_cpu_ms_per_frame": round(1000 * (time.process_time() - began) / len(truth), 1),
    }


def _analysed(frames: list[RecordedFrame], truth: dict[int, int]) -> list[RecordedFrame]:
    chosen = {index for first, last in pairwise([*sorted(truth), len(frames)]) for index in range(first, last, _STEP)}
    return [frame for frame in frames if frame.index in chosen]


def _hog_count(bgr: npt.NDArray[np.uint8]) -> int:
    people = cv2.HOGDescriptor()
    people.setSVMDetector(np.asarray(cv2.HOGDescriptor.getDefaultPeopleDetector()))
    larger = cv2.resize(bgr, None, fx=_HOG_ZOOM, fy=_HOG_ZOOM)
    _, weights = people.detectMultiScale(larger, winStride=(8, 8), scale=1.05)
    return int((np.asarray(weights).ravel() > _HOG_WEIGHT).sum())


def _error(truth: dict[int, int], counted: dict[int, int]) -> float:
    return round(sum(abs(counted[index] - count) for index, count in truth.items()) / len(truth), 3)
