"""The analyzer on a drawn person: who is remembered, what a burst may not touch, and what a bad model says."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from watchpost.analyze import captured_frame
from watchpost.contracts.records import CameraId, CaptureReason, Posture
from watchpost.errors import ConfigError, ModelError
from watchpost.inference.analyzer import LoadedFrame
from watchpost.inference.analyzers import build_analyzer
from watchpost.inference.detector import OnnxDetector, load_detector
from watchpost.inference.yolox import YoloxAnalyzer
from watchpost.inference.yolox_rules import YoloxRules, canvas_px
from watchpost.models import load_catalogue
from watchpost.settings import ModelParams, SiteSettings
from watchpost.simulation import Scene
from watchpost.vision.crops import cut_square
from watchpost.vision.recording import RecordedFrame

_DOOR, _YARD = CameraId("door"), CameraId("yard")
Pixels = npt.NDArray[np.uint8]


@pytest.fixture(scope="module")
def standing() -> Pixels:
    """A drawn street with one person on it."""
    scene = Scene.from_uri("sim:street?seed=4&people=1&seconds=30&fps=1")
    for frame in scene.frames():
        people = scene.truth(frame.time_s).people
        if len(people) == 1 and people[0].box.height > 0.25 and 0.2 < people[0].box.center[0] < 0.8:
            return frame.bgr
    raise AssertionError("nobody came close enough")


def _frame(picture: Pixels, at_s: float, camera: CameraId = _DOOR) -> LoadedFrame:
    return LoadedFrame(captured_frame(RecordedFrame(round(at_s * 10), at_s, picture), camera), picture)


def test_drawn_person_is_seen_upright(standing: Pixels, fresh_analyzer: Callable[[], YoloxAnalyzer]) -> None:
    (seen,) = fresh_analyzer().analyze([_frame(standing, 0.0)])

    assert seen.person_count == 1
    assert [one.label for one in seen.objects] == ["person"]
    assert seen.objects[0].posture is Posture.UPRIGHT


def test_empty_picture_shows_nobody(fresh_analyzer: Callable[[], YoloxAnalyzer]) -> None:
    (seen,) = fresh_analyzer().analyze([_frame(np.full((90, 160, 3), 127, np.uint8), 0.0)])

    assert seen.person_count == 0
    assert seen.objects == ()


def test_burst_frame_is_looked_at_and_leaves_no_memory(
    standing: Pixels, fresh_analyzer: Callable[[], YoloxAnalyzer]
) -> None:
    plain, disturbed = fresh_analyzer(), fresh_analyzer()
    turned = np.ascontiguousarray(standing[::-1])
    burst = _frame(turned, 0.1)
    burst = replace(burst, record=replace(burst.record, reason=CaptureReason.BURST))
    frames = [_frame(standing, 0.0), _frame(standing, 0.2)]

    undisturbed = plain.analyze(frames)
    first, _, second = disturbed.analyze([frames[0], burst, frames[1]])

    assert [first, second] == undisturbed


def test_forgotten_camera_begins_anew_and_others_do_not(
    standing: Pixels, fresh_analyzer: Callable[[], YoloxAnalyzer]
) -> None:
    analyzer = fresh_analyzer()
    analyzer.analyze([_frame(standing, 5.0), _frame(standing, 5.0, _YARD)])

    analyzer.forget(_DOOR)
    once = analyzer.analyze([_frame(standing, 0.0)])

    assert once == fresh_analyzer().analyze([_frame(standing, 0.0)])


def test_turned_person_is_found_in_a_cut_turned_back(standing: Pixels, models_dir: Path) -> None:
    detector = load_detector("yolox-nano", models_dir, ("person",))
    (upright, *_) = detector.find(standing, 960, 544, 0.45)
    x, y = (upright.box.x0 + upright.box.x1) / 2, (upright.box.y0 + upright.box.y1) / 2
    lying = np.ascontiguousarray(cut_square(standing, x, y, 2.2 * upright.box.height).turned(1).pixels)

    side = lying.shape[0]
    again = detector.find(cut_square(lying, side / 2, side / 2, side).turned(3).pixels, 320, 320, 0.45)

    assert len(again) == 1


@pytest.mark.parametrize(
    ("size_px", "canvas"),
    [
        ((320, 240), (640, 480)),
        ((640, 480), (704, 544)),
        ((768, 576), (864, 640)),
        ((1920, 1080), (992, 544)),
        ((1080, 1920), (544, 992)),
        ((1, 1), (640, 640)),
        ((4000, 10), (4512, 32)),
    ],
)
def test_canvas_keeps_aspect_within_the_budget(size_px: tuple[int, int], canvas: tuple[int, int]) -> None:
    assert canvas_px(*size_px, YoloxRules()) == canvas


def test_graph_that_is_none_is_told() -> None:
    spec = load_catalogue().model("yolox-nano").detector
    assert spec is not None

    with pytest.raises(ModelError, match="graph cannot be used"):
        OnnxDetector(b"no graph", spec, ("person",))
    with pytest.raises(ModelError, match="knows no unicorn"):
        OnnxDetector(b"", spec, ("unicorn",))


def test_model_without_a_detector_is_told(models_dir: Path) -> None:
    with pytest.raises(ModelError, match="is no detector"):
        load_detector("movenet-multipose", models_dir, ("person",))


@pytest.mark.parametrize(
    ("params", "said"),
    [
        (
            ModelParams(model="yolox-nona"),
            "model_params.model: 'yolox-nona' is not in the catalogue; use one of yolox-nano",
        ),
        (ModelParams(model="movenet-multipose"), "'movenet-multipose' is no detector"),
        (ModelParams(model="qwen3-vl-30b/int4"), "does not come in int4"),
    ],
)
def test_settings_that_no_analyzer_fits_are_told(params: ModelParams, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        build_analyzer(SiteSettings(model_params=params))
