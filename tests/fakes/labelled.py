"""Labelled pictures whose truth can be read off them, so that a fake model can answer rightly, or not.

labels = write_labels(tmp_path, [Labelled("door", people=3, dog=True)], tasks=[DOG])
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from tests.fakes.scorer import Pixels
from watchpost.inference.questions import AnswerKind, AskedQuestion

__all__ = ["DOG", "Labelled", "seen_in", "write_labels"]

DOG = {"name": "dog_loose", "question": "Is a dog without a leash in the picture?", "threshold": 0.5}
_STEP = 10


@dataclass(frozen=True, slots=True)
class Labelled:
    """A picture: how many people are in it, and whether a dog is; None is not labelled."""

    camera: str = "door"
    people: int | None = None
    dog: bool | None = None


def write_labels(folder: Path, pictures: Iterable[Labelled], tasks: Sequence[dict[str, Any]] = ()) -> Path:
    """The pictures and the file that labels them."""
    lines: list[dict[str, Any]] = [{"tasks": list(tasks)}] if tasks else []
    for number, one in enumerate(pictures):
        name = f"{number:04d}.png"
        pixels = np.full((32, 32, 3), _STEP * (one.people or 0) + _STEP // 2, np.uint8)
        pixels[:, :16, 2] = 255 if one.dog else 0
        pixels[0, 0, 0] = number % 256  # no two are the same
        cv2.imwrite(str(folder / name), pixels)
        truth = {"person_detection": one.people, "dog_loose": one.dog}
        labelled = {task: value for task, value in truth.items() if value is not None}
        lines.append({"image": name, "camera": one.camera, "truth": labelled})
    path = folder / "labels.jsonl"
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    return path


def seen_in(picture: Pixels, question: AskedQuestion) -> int:
    """The true answer's place among the question's labels."""
    if question.kind is AnswerKind.COUNT:
        return min(int(picture[-1, -1, 1]) // _STEP, 10)
    return 0 if picture[-1, 0, 2] > 127 else 1
