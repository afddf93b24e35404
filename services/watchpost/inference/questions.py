"""Closed questions, and the one prompt that puts them all to a picture.

sheet = QuestionSheet((COUNT_PEOPLE, AskedQuestion("dog_loose", "Is a dog without a leash in the picture?")))
sheet.prefix + IMAGE + sheet.tail + sheet.suffixes[1]  # read next: "Yes" or "No"
"""

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from string import ascii_uppercase
from typing import assert_never

from watchpost.contracts.asking import MOST_QUESTIONS

__all__ = [
    "COUNT_PEOPLE",
    "FALLEN_PERSON",
    "MOST_QUESTIONS",
    "AnswerKind",
    "AskedQuestion",
    "PromptOrder",
    "QuestionSheet",
]

_LETTERS = ascii_uppercase[:MOST_QUESTIONS]
_INSTRUCTION = (
    "You are shown one picture of a fixed camera. Answer every question about it on a line of its own, "
    "as letter=answer, without any other word."
)


class AnswerKind(StrEnum):
    """Which answers a question may have. Each is one token of the model, or the answers could not be compared."""

    YES_NO = "yes_no"
    COUNT = "count"

    @property
    def labels(self) -> tuple[str, ...]:
        """What is said of an answer, in the order of `words`."""
        match self:
            case AnswerKind.YES_NO:
                return ("yes", "no")
            case AnswerKind.COUNT:
                return (*"0123456789", "10+")
            case _:
                assert_never(self)

    @property
    def words(self) -> tuple[str, ...]:
        """What the model is to write: "10" would be two tokens, so ten and more is a letter."""
        match self:
            case AnswerKind.YES_NO:
                return ("Yes", "No")
            case AnswerKind.COUNT:
                return (*"0123456789", "M")
            case _:
                assert_never(self)

    @property
    def hint(self) -> str:
        """How the question's text tells the model what it may answer."""
        match self:
            case AnswerKind.YES_NO:
                return "Yes or No"
            case AnswerKind.COUNT:
                return "a digit from 0 to 9, or M for ten and more"
            case _:
                assert_never(self)


@dataclass(frozen=True, slots=True)
class AskedQuestion:
    """One question. `task` names it in answers and events."""

    task: str
    text: str
    kind: AnswerKind = AnswerKind.YES_NO


COUNT_PEOPLE = AskedQuestion(
    "person_detection", "How many people are in the picture, also if only a part of them is seen?", AnswerKind.COUNT
)
FALLEN_PERSON = AskedQuestion("fall_detected", "Does a person lie on the ground or floor, as after a fall?")


class PromptOrder(StrEnum):
    """Questions first lets their keys and values be kept for all pictures; image first is there to be compared."""

    QUESTIONS_FIRST = "questions_first"
    IMAGE_FIRST = "image_first"


@dataclass(frozen=True, slots=True)
class QuestionSheet:
    """All questions that are put to a picture, in Qwen's chat format: prefix, picture, tail, then one suffix each.

    The questions see each other; the suffixes do not. At least one question, at most MOST_QUESTIONS.
    """

    questions: tuple[AskedQuestion, ...]
    order: PromptOrder = PromptOrder.QUESTIONS_FIRST

    def __post_init__(self) -> None:
        if not 1 <= len(self.questions) <= MOST_QUESTIONS:
            raise ValueError(f"{len(self.questions)} questions; a picture is asked 1 to {MOST_QUESTIONS}")

    @property
    def prefix(self) -> str:
        """The text before the picture."""
        asked = self._asked if self.order is PromptOrder.QUESTIONS_FIRST else ""
        return f"<|im_start|>system\n{_INSTRUCTION}<|im_end|>\n<|im_start|>user\n{asked}<|vision_start|>"

    @property
    def tail(self) -> str:
        """The text after the picture, up to where the answers begin."""
        asked = self._asked if self.order is PromptOrder.IMAGE_FIRST else ""
        return f"<|vision_end|>{asked}<|im_end|>\n<|im_start|>assistant\n"

    @property
    def suffixes(self) -> tuple[str, ...]:
        """What stands before each answer. The next token is the answer's word."""
        return tuple(f"{letter}=" for letter in _LETTERS[: len(self.questions)])

    @property
    def digest(self) -> str:
        """What a calibration or a result holds for: any change of the wording changes it."""
        words = "\n".join(word for question in self.questions for word in question.kind.words)
        text = "\0".join((self.prefix, self.tail, *self.suffixes, words))
        return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"

    @property
    def _asked(self) -> str:
        lines = zip(_LETTERS, self.questions, strict=False)
        return "".join(f"{letter}. {asked.text} ({asked.kind.hint})\n" for letter, asked in lines)
