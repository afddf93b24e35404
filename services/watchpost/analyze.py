"""Runs the site's own analyzer and event logic over a recording, without Kafka, so that anybody can score them."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import chain, islice
from pathlib import Path
from typing import Any

from watchpost.contracts.records import (
    Assignment,
    CameraId,
    CaptureReason,
    EventChanged,
    EventPhase,
    FrameAnalyzed,
    FrameCaptured,
    ImageCodec,
    ImageRef,
    Motion,
    SiteId,
    SkipReason,
    SourceSize,
    Task,
)
from watchpost.events.logic import EventRules, initial_state, step
from watchpost.events.rules import rules_from
from watchpost.inference.analyzer import Analyzer, LoadedFrame, Observation
from watchpost.inference.analyzers import build_analyzer
from watchpost.settings import SiteSettings
from watchpost.vision.recording import RecordedFrame, read_recording

__all__ = ["DEFAULT_FPS", "analyze_file", "analyze_frames", "as_text", "captured_frame"]

DEFAULT_FPS = 5.0
_SITE = SiteId("analyze")
# any fixed moment will do: event logic takes differences of times only, and equal files must give equal event ids
_BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)
_ALL_TASKS = Assignment(tuple(Task), zones=(), bandwidth_saving=True, thumbnail_interval_s=0)
_KEPT = timedelta(seconds=30)


def analyze_file(
    path: Path, *, fps: float = DEFAULT_FPS, analyzer: Analyzer | None = None, rules: EventRules | None = None
) -> Iterator[dict[str, Any]]:
    """One JSON object per analysed frame, and one per confirmed event right after the frame that confirmed it.

        {"frame_index": 36, "time_s": 1.2, "person_count": 1, "objects": [{"label": "person", "box": [x0, y0, x1, y1],
         "score": 0.93, "posture": "upright"}]}
        {"event": "fall_detected", "time_s": 3.4, "confidence": 0.8, "opened_s": 2.8, "box": [...], "event_id": "..."}

    Boxes are fractions of the frame as shown. Without an analyzer and rules it takes those of a site's default
    settings. Raises SourceError when there is nothing to read, or, after the frames that could be read, when the file
    ends early; ModelError when the model is not here.
    """
    frames = read_recording(path, fps)
    first = list(islice(frames, 1))  # what is no recording is told before any model is loaded
    settings = SiteSettings()
    looking = analyzer or build_analyzer(settings)
    yield from analyze_frames(chain(first, frames), looking, rules or rules_from(settings), CameraId(path.name))


def as_text(line: dict[str, Any]) -> str:
    """The same for a person: one line of text."""
    if "event" in line:
        return f"{line['time_s']:8.2f} s  {line['event']}  confidence {line['confidence']:.2f}"
    postures = ", ".join(seen["posture"] for seen in line["objects"])
    return f"{line['time_s']:8.2f} s  people {line['person_count']}" + (f"  ({postures})" if postures else "")


def analyze_frames(
    frames: Iterator[RecordedFrame], analyzer: Analyzer, rules: EventRules, camera: CameraId
) -> Iterator[dict[str, Any]]:
    """The same of any frames, in the order of their time."""
    state = initial_state(_SITE, camera)
    analyzer.forget(camera)
    for frame in frames:
        captured = captured_frame(frame, camera)
        (observation,) = analyzer.analyze([LoadedFrame(captured, frame.bgr)])
        if isinstance(observation, SkipReason):
            continue
        yield _frame_line(frame, observation)
        state, outputs = step(state, _analyzed(captured, observation), rules)
        yield from (_event_line(event) for event in outputs.events if event.phase is EventPhase.CONFIRMED)


def captured_frame(frame: RecordedFrame, camera: CameraId) -> FrameCaptured:
    """The record that ingest would have published of this frame, whose pixels lie in no store."""
    height, width = frame.bgr.shape[:2]
    at = _BEGINNING + timedelta(seconds=frame.time_s)
    return FrameCaptured(
        frame_id=f"{camera}-{frame.index}",
        site=_SITE,
        camera=camera,
        captured_at=at,
        sequence=frame.index,
        source=SourceSize(width, height),
        roi=None,
        image=ImageRef(f"memory:{frame.index}", ImageCodec.I420, width, height, frame.bgr.nbytes, 0, at + _KEPT),
        regions=(),
        motion=Motion(0.0, ()),
        reason=CaptureReason.INTERVAL,
        assignment=_ALL_TASKS,
        stream_bytes=0,
        expires_at=at + _KEPT,
    )


def _analyzed(captured: FrameCaptured, observation: Observation) -> FrameAnalyzed:
    return FrameAnalyzed(
        frame_id=captured.frame_id,
        site=captured.site,
        camera=captured.camera,
        captured_at=captured.captured_at,
        analyzed_at=captured.captured_at,
        image=captured.image,
        reason=captured.reason,
        assignment=captured.assignment,
        stream_bytes=0,
        objects=observation.objects,
        answers=observation.answers,
        person_count=observation.person_count,
        skipped=None,
        provenance=observation.provenance,
    )


def _frame_line(frame: RecordedFrame, observation: Observation) -> dict[str, Any]:
    return {
        "frame_index": frame.index,
        "time_s": round(frame.time_s, 3),
        "person_count": observation.person_count,
        "objects": [
            {
                "label": seen.label,
                "box": [round(side, 4) for side in (seen.box.x0, seen.box.y0, seen.box.x1, seen.box.y1)],
                "score": round(seen.score, 3),
                "posture": seen.posture.value,
                "posture_score": round(seen.posture_score, 3),
            }
            for seen in observation.objects
        ],
    }


def _event_line(event: EventChanged) -> dict[str, Any]:
    box = event.box
    return {
        "event": str(event.type),
        "time_s": round((event.at - _BEGINNING).total_seconds(), 3),
        "confidence": round(event.confidence, 3),
        "opened_s": round((event.opened_at - _BEGINNING).total_seconds(), 3),
        "box": None if box is None else [round(side, 4) for side in (box.x0, box.y0, box.x1, box.y1)],
        "event_id": event.event_id,
    }
