"""`watchpost analyze` on written recordings of simulated people, with the real models."""

import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest

from tests.fakes.recordings import moving_square, turned_in_header, write_recording
from watchpost.analyze import analyze_file, as_text
from watchpost.errors import SourceError
from watchpost.events.logic import EventRules
from watchpost.inference.yolox import YoloxAnalyzer
from watchpost.simulation import Scene
from watchpost.vision.geometry import FractionBox

_RULES = EventRules("test")
_FALL = "sim:street?seed=4&people=1&falls=1&seconds=20&fps=10"


@pytest.fixture(scope="module")
def fall(tmp_path_factory: pytest.TempPathFactory) -> tuple[Scene, Path]:
    """A recording of one person who falls, and the scene that it is of."""
    scene = Scene.from_uri(_FALL)
    path = tmp_path_factory.mktemp("fall") / "fall.mp4"
    write_recording(path, (frame.bgr for frame in scene.frames()), fps=Fraction(10))
    return scene, path


def test_fall_in_a_recording_is_told_once(
    fall: tuple[Scene, Path], fresh_analyzer: Callable[[], YoloxAnalyzer]
) -> None:
    scene, path = fall

    lines = list(analyze_file(path, analyzer=fresh_analyzer(), rules=_RULES))

    events = [line for line in lines if "event" in line]
    assert [event["event"] for event in events] == ["fall_detected"]
    assert scene.falls[0].start_s <= events[0]["time_s"] <= scene.falls[0].lying_from_s + 2.5
    assert 0 < events[0]["confidence"] <= 1
    assert all(json.loads(json.dumps(line)) == line for line in lines)
    assert all(as_text(line) for line in lines)


def test_same_recording_gives_the_same_lines_again(
    fall: tuple[Scene, Path], fresh_analyzer: Callable[[], YoloxAnalyzer]
) -> None:
    analyzer = fresh_analyzer()

    first = list(analyze_file(fall[1], fps=2, analyzer=analyzer, rules=_RULES))
    again = list(analyze_file(fall[1], fps=2, analyzer=analyzer, rules=_RULES))

    assert first == again


def test_drawn_person_is_found_where_the_truth_says(
    fall: tuple[Scene, Path], fresh_analyzer: Callable[[], YoloxAnalyzer]
) -> None:
    scene, path = fall
    lines = [line for line in analyze_file(path, fps=1, analyzer=fresh_analyzer(), rules=_RULES) if "event" not in line]

    found = seen = 0
    for line in lines:
        for person in scene.truth(line["time_s"]).people:
            if person.posture == "upright" and person.box.height > 0.2:
                seen += 1
                boxes = [FractionBox(*one["box"]) for one in line["objects"]]
                found += any(person.box.intersection_over_union(box) > 0.5 for box in boxes)

    assert seen >= 3
    assert found >= 0.8 * seen


def test_portrait_recording_without_anybody_has_no_objects(
    tmp_path: Path, fresh_analyzer: Callable[[], YoloxAnalyzer]
) -> None:
    path = turned_in_header(write_recording(tmp_path / "a.mp4", moving_square(25)))

    lines = list(analyze_file(path, fps=2, analyzer=fresh_analyzer(), rules=_RULES))

    assert [line["person_count"] for line in lines] == [0, 0]
    assert [line["frame_index"] for line in lines] == [0, 13]


def test_truncated_recording_gives_its_lines_and_then_the_error(
    fall: tuple[Scene, Path], tmp_path: Path, fresh_analyzer: Callable[[], YoloxAnalyzer]
) -> None:
    scene, _ = fall
    path = tmp_path / "a.mkv"
    write_recording(path, (scene.frame(index).bgr for index in range(60)), fps=Fraction(10))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

    lines = analyze_file(path, fps=2, analyzer=fresh_analyzer(), rules=_RULES)

    assert next(lines)["frame_index"] == 0
    with pytest.raises(SourceError, match="is truncated"):
        list(lines)


def test_what_is_no_recording_gives_no_line(tmp_path: Path, fresh_analyzer: Callable[[], YoloxAnalyzer]) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"no recording")

    with pytest.raises(SourceError, match="is no video recording"):
        next(analyze_file(path, analyzer=fresh_analyzer(), rules=_RULES))
