"""Reads labelled pictures, and says of a bad line which it is and how to mend it.

{"tasks": [{"name": "dog_loose", "question": "Is a dog without a leash in the picture?", "threshold": 0.7}]}
{"image": "door/0001.jpg", "camera": "door", "truth": {"person_detection": 3, "dog_loose": true}}
{"clip": "door.mp4", "at_s": 1.5, "camera": "door", "truth": {"person_detection": 2}}
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import Field, StrictBool, StrictInt, ValidationError

from watchpost.contracts.records import CameraId, Question, Task
from watchpost.errors import ConfigError
from watchpost.inference.questions import COUNT_PEOPLE, FALLEN_PERSON
from watchpost.settings import TaskSettings
from watchpost.settings.cameras import CameraName
from watchpost.settings.strict import StrictModel

__all__ = ["LabelledFrame", "Labels", "read_labels"]

_Model = TypeVar("_Model", bound=StrictModel)


@dataclass(frozen=True, slots=True)
class LabelledFrame:
    """One picture and what is true of it: how many people, whether a task's answer is yes.

    Args:
        path: the picture's file, or the clip's.
        at_s: when in the clip; None of a picture.
        camera: whose.
        truth: by task: an integer for `person_detection`, a boolean for any other.
        place: the line, for messages.

    """

    path: Path
    at_s: float | None
    camera: CameraId
    truth: Mapping[str, int | bool]
    place: str


@dataclass(frozen=True, slots=True)
class Labels:
    """All labelled pictures, in the order of the file, and the questions in words among their tasks."""

    frames: tuple[LabelledFrame, ...]
    questions: Mapping[str, Question]

    @property
    def tasks(self) -> tuple[str, ...]:
        """What anything is known of, in the order in which it first stands there."""
        return tuple(dict.fromkeys(task for frame in self.frames for task in frame.truth))


class _Tasks(StrictModel):
    tasks: tuple[TaskSettings, ...]


class _Line(StrictModel):
    image: str | None = None
    clip: str | None = None
    at_s: float | None = Field(default=None, ge=0)
    camera: CameraName = "camera"
    truth: dict[str, StrictBool | StrictInt] = Field(min_length=1)


def read_labels(path: Path, known: Mapping[str, Question] | None = None) -> Labels:
    """The labels in a file of JSON lines. Its pictures lie beside it, unless their paths are absolute.

    Args:
        path: the file.
        known: questions in words that need no definition in its first line; one there beats them.

    Raises:
        ConfigError: naming file and line, what is wrong there and how to mend it.

    """
    questions = dict(known or {})
    frames = []
    for number, (place, content) in enumerate(_lines(path)):
        if number == 0 and "tasks" in content:
            questions |= {task.name: task.record for task in _checked(_Tasks, content, place).tasks}
        elif "tasks" in content:
            raise ConfigError(place, "tasks are defined in the first line alone", "move this line to the top")
        else:
            frames.append(_frame(_checked(_Line, content, place), path.parent, place, questions))
    if not frames:
        raise ConfigError(str(path), "holds no labelled picture", 'write lines such as {"image": …, "truth": {…}}')
    return Labels(tuple(frames), questions)


def _lines(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(str(path), f"cannot be read: {error}", "name a file of JSON lines with --labels") from error
    for number, line in enumerate(lines, 1):
        place = f"{path}:{number}"
        if not line.strip():
            continue
        try:
            content = json.loads(line)
        except ValueError as error:
            raise ConfigError(place, f"is no JSON: {error}", "write one JSON object a line") from error
        if not isinstance(content, dict):
            raise ConfigError(place, "is no JSON object", 'write {"image": …, "truth": {…}}')
        yield place, content


def _checked(model: type[_Model], content: dict[str, Any], place: str) -> _Model:
    try:
        return model(**content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        problem, _, remedy = first["msg"].removeprefix("Value error, ").partition("; ")
        raise ConfigError(place, f"{where}: {problem}", remedy or f"mend {where} in this line") from error


def _frame(line: _Line, folder: Path, place: str, questions: Mapping[str, Question]) -> LabelledFrame:
    named = line.image if line.clip is None else line.clip
    if named is None or (line.image is not None and line.clip is not None):
        raise ConfigError(place, "names not one picture", 'write either "image" or "clip" with "at_s"')
    if (line.clip is None) != (line.at_s is None):
        raise ConfigError(place, "at_s says when in a clip", 'write "clip" and "at_s" together, "image" without')
    for task, truth in line.truth.items():
        _check_truth(task, truth, place, questions)
    file = folder / named
    if not file.is_file():
        raise ConfigError(place, f"there is no file {file}", "write its path relative to the labels, or absolute")
    return LabelledFrame(file, line.at_s, CameraId(line.camera), line.truth, place)


def _check_truth(task: str, truth: bool | int, place: str, questions: Mapping[str, Question]) -> None:  # noqa: FBT001  (a label is true or false)
    known = (COUNT_PEOPLE.task, FALLEN_PERSON.task, *questions)
    if task == Task.ABNORMAL_BEHAVIOR:
        raise ConfigError(place, f"{task!r} is more than a picture shows", f"label {FALLEN_PERSON.task}: true or false")
    if task not in known:
        others = 'define others in the first line: {"tasks": [{"name": …, "question": …}]}'
        remedy = f"the known ones are {', '.join(known)}; {others}"
        raise ConfigError(place, f"{task!r} is no task", remedy)
    is_count = task == COUNT_PEOPLE.task
    if is_count == isinstance(truth, bool) or truth < 0:
        expected = "how many people there are, such as 3" if is_count else "true or false"
        raise ConfigError(place, f"truth.{task} is {json.dumps(truth)}", f"write {expected}")
