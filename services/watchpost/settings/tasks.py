"""What may be asked of a camera's pictures: the tasks that are built in, and questions in words of the site's own.

asked = asked_of(["person_detection", "dog_loose"], known, "cameras.door.tasks")
asked.tasks, asked.questions
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any
from unicodedata import normalize

from pydantic import AfterValidator, Discriminator, Field, Tag, WithJsonSchema

from watchpost.contracts.asking import MOST_QUESTION_BYTES, MOST_QUESTIONS
from watchpost.contracts.records import EventType, Question, Task
from watchpost.errors import ConfigError
from watchpost.settings.described import text
from watchpost.settings.strict import StrictModel

__all__ = ["Asked", "Questions", "TaskItem", "TaskSettings", "Tasks", "asked_of", "listed_questions", "with_questions"]

_NAME = "[a-z0-9][a-z0-9_]{0,62}"
_RESERVED = sorted({*Task, *EventType})
_FREE_NAME = rf"(?!({'|'.join(_RESERVED)})$){_NAME}"
# one line without control characters; <| … |> are words of command to the models
_QUESTION = r"(?!.*<\|)(?=\S)[^\x00-\x1f\x7f-\x9f\u2028\u2029]{3,300}"


def _checked_name(value: str) -> str:
    if not re.fullmatch(_NAME, value):
        raise ValueError(f"{value!r} is no name; use 1 to 63 of a-z, 0-9 and _, starting with a letter or digit")
    if value in _RESERVED:
        raise ValueError(f"{value!r} is a task or an event that is built in; choose another name")
    return value


def _checked_question(value: str) -> str:
    if not re.fullmatch(_QUESTION, value):
        raise ValueError(
            "is no question; write one line of 3 to 300 characters to be answered by yes or no, without <|"
        )
    length_bytes = len(normalize("NFC", value).encode())
    if length_bytes > MOST_QUESTION_BYTES:
        raise ValueError(
            f"is {length_bytes} bytes long, too long for a model; write at most {MOST_QUESTION_BYTES}, "
            "which are 300 Latin letters, 200 Cyrillic or 133 Chinese ones"
        )
    return value


class TaskSettings(StrictModel):
    """A task in words: what is asked of each picture, to be answered by yes or no."""

    name: Annotated[str, AfterValidator(_checked_name), text(_FREE_NAME)] = Field(description="of its events, too")
    question: Annotated[str, AfterValidator(_checked_question), text(_QUESTION)] = Field(
        examples=["Is a dog without a leash in the picture?"]
    )
    threshold: float = Field(default=0.5, strict=True, gt=0, lt=1, description="yes counts from this probability on")

    @property
    def record(self) -> Question:
        """The task as it travels."""
        return Question(self.name, self.question, self.threshold)


def _kind_of(value: Any) -> str | None:
    if isinstance(value, str):
        return "[name]"
    return "[words]" if isinstance(value, dict | TaskSettings) else None


# the tags stand in the places of errors, from where `[…]` is left out
TaskItem = Annotated[
    Annotated[str, Field(max_length=64), WithJsonSchema({"type": "string", "pattern": f"^{_NAME}$"}), Tag("[name]")]
    | Annotated[TaskSettings, Tag("[words]")],
    Discriminator(
        _kind_of,
        custom_error_type="task_expected",
        custom_error_message="is neither a name nor a question; write a task's name, or {name, question}",
    ),
]
Tasks = Annotated[tuple[TaskItem, ...], Field(min_length=1, max_length=MOST_QUESTIONS)]
Questions = Annotated[tuple[TaskSettings, ...], Field(description="what cameras may be asked in words, by name")]


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of a camera: the names of all its tasks, and the questions of those in words."""

    tasks: tuple[str, ...]
    questions: tuple[Question, ...]


def listed_questions(listed: Iterable[TaskSettings], key: str) -> dict[str, Question]:
    """The questions by name. Raises ConfigError where a name stands twice."""
    known: dict[str, Question] = {}
    for index, task in enumerate(listed):
        if task.name in known:
            raise ConfigError(f"{key}.{index}.name", f"{task.name!r} stands twice", "give each task a name of its own")
        known[task.name] = task.record
    return known


def with_questions(
    known: Mapping[str, Question], items: Iterable[str | TaskSettings], key: str
) -> Mapping[str, Question]:
    """The known questions and those written out in `items`.

    Raises ConfigError where one name would stand for two questions: who reads of its events could not tell them apart.
    """
    found = dict(known)
    for index, item in enumerate(items):
        if isinstance(item, TaskSettings) and found.setdefault(item.name, item.record) != item.record:
            raise ConfigError(
                f"{key}.{index}",
                f"{item.name!r} stands for another question or threshold already",
                f"write {item.name} alone to ask that, or choose another name",
            )
    return found


def asked_of(items: Iterable[str | TaskSettings], known: Mapping[str, Question], key: str) -> Asked:
    """What these items ask, each once.

    Raises:
        ConfigError: a name that is not known, two questions of one name, or more of them than a picture can be asked.
    """
    every = tuple(items)
    questions = with_questions(known, every, key)
    names: dict[str, None] = {}
    for index, item in enumerate(every):
        name = item if isinstance(item, str) else item.name
        if name not in list(Task) and name not in questions:
            raise ConfigError(
                f"{key}.{index}",
                f"{name!r} is no task",
                f"the known ones are {', '.join((*Task, *sorted(questions)))}; others need {{name, question}}",
            )
        names[name] = None
    if len(names) > MOST_QUESTIONS:
        raise ConfigError(key, f"{len(names)} tasks are too many", f"a picture can be asked {MOST_QUESTIONS}")
    return Asked(tuple(names), tuple(questions[name] for name in names if name in questions))
