"""Observations as inference would write them, made from a line of what one person does.

frames = acted("uuuuu" "lllll", fps=5)      # u upright, b bent, l lying, . nobody seen
frames = replied("nnyyyyyn")                    # y and n: what a task in words is answered
frames = visited("ooiiii", zones=(zone(),))     # i feet in the zone that `zone` makes, o outside of it, . nobody seen
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from tests.fakes.specs import assignment
from watchpost.contracts.records import (
    Answer,
    Assignment,
    CameraId,
    CaptureReason,
    DetectedObject,
    FrameAnalyzed,
    ImageCodec,
    ImageRef,
    Posture,
    Provenance,
    Question,
    SiteId,
    Task,
    Zone,
    ZoneKind,
)
from watchpost.events.logic import CameraState, EventRules, Outputs, initial_state, step
from watchpost.vision.geometry import FractionBox, FractionPoint

__all__ = [
    "BEGINNING",
    "CAMERA",
    "DOG",
    "RULES",
    "SITE",
    "acted",
    "analyzed",
    "folded",
    "person",
    "replied",
    "standing",
    "visited",
    "zone",
]

SITE, CAMERA = SiteId("shop"), CameraId("door")
BEGINNING = datetime(2026, 3, 1, 12, tzinfo=UTC)
DOG = Question("dog_loose", "Is a dog without a leash in the picture?", 0.5)
RULES = EventRules(config_version="rules-7")
_PROVENANCE = Provenance("yolox-nano", "fp32", "sha256:0", "", "frames-3", "0.1.0")
_SHAPES = {
    "u": (FractionBox(0.40, 0.30, 0.55, 0.80), Posture.UPRIGHT),
    "b": (FractionBox(0.38, 0.50, 0.58, 0.80), Posture.BENT),
    "l": (FractionBox(0.25, 0.66, 0.65, 0.82), Posture.LYING),
}


def person(kind: str = "u", shift_x: float = 0.0, score: float = 0.9) -> DetectedObject:
    """A person in one of the postures u, b and l, moved to the right by `shift_x`."""
    box, posture = _SHAPES[kind]
    moved = FractionBox(box.x0 + shift_x, box.y0, box.x1 + shift_x, box.y1)
    return DetectedObject("person", moved, score, posture, 0.8)


def analyzed(
    number: int, at_s: float, objects: Sequence[DetectedObject], asked: Assignment | None = None
) -> FrameAnalyzed:
    """The observation of frame `number`, captured `at_s` seconds after the beginning."""
    at = BEGINNING + timedelta(seconds=at_s)
    image = ImageRef(f"file:///frames/{number}", ImageCodec.I420, 640, 480, 460_800, 0, at + timedelta(seconds=30))
    return FrameAnalyzed(
        frame_id=f"frame-{number}",
        site=SITE,
        camera=CAMERA,
        captured_at=at,
        analyzed_at=at + timedelta(milliseconds=80),
        image=image,
        reason=CaptureReason.INTERVAL,
        assignment=assignment(thumbnail_interval_s=60) if asked is None else asked,
        stream_bytes=20_000 * number,
        objects=tuple(objects),
        answers=(),
        person_count=len(objects),
        skipped=None,
        provenance=_PROVENANCE,
    )


def acted(script: str, fps: float = 5.0, first: int = 0, asked: Assignment | None = None) -> list[FrameAnalyzed]:
    """One frame per letter of what a single person does."""
    return [
        analyzed(number, number / fps, [] if letter == "." else [person(letter)], asked)
        for number, letter in enumerate(script, start=first)
    ]


def zone(
    kind: ZoneKind = ZoneKind.INTRUSION,
    *,
    name: str = "yard",
    after_s: float = 0.6,
    people: int = 1,
    left: float = 0.5,
) -> Zone:
    """A zone in the lower half of the picture, from `left` to the right edge."""
    corners = ((left, 0.5), (1.0, 0.5), (1.0, 1.0), (left, 1.0))
    return Zone(name, kind, tuple(FractionPoint(x, y) for x, y in corners), after_s, people)


def standing(x: float, y: float = 0.9, score: float = 0.9) -> DetectedObject:
    """An upright person with the feet at this point."""
    return DetectedObject("person", FractionBox(x - 0.05, y - 0.4, x + 0.05, y), score, Posture.UPRIGHT, 0.9)


def visited(
    script: str, zones: tuple[Zone, ...], fps: float = 5.0, tasks: tuple[str, ...] = (), border: float = 0.5
) -> list[FrameAnalyzed]:
    """One frame per letter of where a single person's feet are: a step right (i) or left (o) of the border."""
    asked = assignment(*tasks, zones=zones, thumbnail_interval_s=0)
    places = {"i": [standing(border + 0.02)], "o": [standing(border - 0.02)], ".": []}
    return [analyzed(number, number / fps, places[letter], asked) for number, letter in enumerate(script)]


def replied(
    script: str, fps: float = 5.0, question: Question = DOG, tasks: tuple[str, ...] = (Task.PERSON_DETECTION,)
) -> list[FrameAnalyzed]:
    """One frame per letter of what its answer to the question is: y yes, n no, m 0.45 yes, ? unsure, . none at all."""
    asked = assignment(*tasks, questions=(question,), thumbnail_interval_s=0)
    answers = {"y": ("yes", 0.9), "n": ("no", 0.9), "m": ("no", 0.55), "?": ("unsure", 0.3)}
    return [
        replace(
            analyzed(number, number / fps, [], asked),
            answers=() if letter == "." else (Answer(question.name, *answers[letter]),),
        )
        for number, letter in enumerate(script)
    ]


def folded(
    frames: Sequence[FrameAnalyzed], rules: EventRules = RULES, state: CameraState | None = None
) -> tuple[CameraState, list[Outputs]]:
    """The event logic folded over frames: the last state, and the outputs of each frame."""
    state = state or initial_state(SITE, CAMERA)
    outputs = []
    for frame in frames:
        state, given = step(state, frame, rules)
        outputs.append(given)
    return state, outputs
