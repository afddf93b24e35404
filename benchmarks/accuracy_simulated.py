"""Falls found and false in twenty seeded simulated scenes, whose truth only this scoring sees."""

from collections.abc import Iterator
from typing import Any

from benchmarks.looking import TimedAnalyzer
from watchpost.analyze import analyze_frames
from watchpost.contracts.records import CameraId
from watchpost.events.logic import EventRules
from watchpost.inference.analyzer import Analyzer
from watchpost.simulation import Scene
from watchpost.simulation.scenario import TrueFall
from watchpost.vision.geometry import FractionBox
from watchpost.vision.recording import RecordedFrame

__all__ = ["EVERYDAY", "WITH_FALLS", "scene_result", "simulated_falls"]

WITH_FALLS = tuple(f"sim:any?seed={seed}&people=3&falls=2&seconds=60&fps=5" for seed in range(1, 11))
EVERYDAY = tuple(
    f"sim:any?seed={seed}&people=3&sitting=1&crouching=1&lying_down=1&seconds=60&fps=5" for seed in range(101, 111)
)
_BEFORE_S, _AFTER_S = 0.5, 1.0


def simulated_falls(analyzer: TimedAnalyzer) -> dict[str, Any]:
    """Over all scenes: falls, those found, and events that are none, with the scenes where it went wrong."""
    falls = found = false = 0
    wrong: dict[str, str] = {}
    for uri in (*WITH_FALLS, *EVERYDAY):
        of_scene, of_found, of_false = scene_result(uri, analyzer)
        falls, found, false = falls + of_scene, found + of_found, false + of_false
        if of_found < of_scene or of_false:
            wrong[uri] = f"{of_found} of {of_scene} found, {of_false} false"
    return {
        "scenes": len(WITH_FALLS) + len(EVERYDAY),
        "falls": falls,
        "recall": round(found / falls, 3),
        "false_falls": false,
        **analyzer.cost(),
        "wrong": wrong,
    }


def scene_result(uri: str, analyzer: Analyzer) -> tuple[int, int, int]:
    """Of one scene: how many falls there are, how many of them were found, and how many events were false."""
    scene = Scene.from_uri(uri)
    lines = analyze_frames(_pictures(scene), analyzer, EventRules("benchmark"), CameraId(uri))
    events = [line for line in lines if line.get("event") == "fall_detected"]
    found, false = set(), 0
    for event in events:
        fall = next((fall for fall in scene.falls if _told(scene, fall, event)), None)
        if fall is None:
            false += 1
        else:
            found.add(fall)
    return len(scene.falls), len(found), false


def _pictures(scene: Scene) -> Iterator[RecordedFrame]:
    for frame in scene.frames():
        yield RecordedFrame(frame.index, frame.time_s, frame.bgr)


def _told(scene: Scene, fall: TrueFall, event: dict[str, Any]) -> bool:
    """Whether the event is of this fall: in its time, and where that person is."""
    if not fall.start_s - _BEFORE_S <= event["time_s"] <= fall.end_s + _AFTER_S:
        return False
    box = FractionBox(*event["box"])
    people = scene.truth(event["time_s"]).people
    return any(person.person_id == fall.person_id and person.box.intersection_over_union(box) > 0 for person in people)
