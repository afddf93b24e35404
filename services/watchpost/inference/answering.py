"""Turns weighed answers into answers: calibrated, and unsure where the model would rather say something else."""

import math
from collections.abc import Iterable

from watchpost.contracts.records import Answer
from watchpost.inference.questions import COUNT_PEOPLE, AnswerKind, AskedQuestion
from watchpost.inference.scaling import IDENTITY, Scaling, probabilities
from watchpost.inference.scorer import LabelScores

__all__ = ["LEAST_MASS", "UNSURE", "answer_of", "person_count", "probability_of_yes"]

UNSURE = "unsure"
LEAST_MASS = 0.5
_YES, _ = AnswerKind.YES_NO.labels


def answer_of(
    question: AskedQuestion, scores: LabelScores, scaling: Scaling = IDENTITY, least_mass: float = LEAST_MASS
) -> Answer:
    """The most probable label; `unsure`, with the mass, where less than `least_mass` lies on all labels together."""
    # a model that overflowed says no number: that is no evidence either
    mass = 0.0 if any(map(math.isnan, scores.log_probabilities)) else scores.mass
    if mass < least_mass:
        return Answer(question.task, UNSURE, mass)
    probable, label = max(
        zip(probabilities(scores, scaling), question.kind.labels, strict=True), key=lambda one: one[0]
    )
    return Answer(question.task, label, probable)


def person_count(answers: Iterable[Answer]) -> int | None:
    """How many people the answers say there are: 10 for ten and more; None where none says it, or it is unsure."""
    for answer in answers:
        if answer.task == COUNT_PEOPLE.task and answer.label != UNSURE:
            return int(answer.label.rstrip("+"))
    return None


def probability_of_yes(answer: Answer) -> float | None:
    """How probable yes is, of an answer of yes or no; None of one that is unsure."""
    if answer.label == UNSURE:
        return None
    return answer.probability if answer.label == _YES else 1 - answer.probability
