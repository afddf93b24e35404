"""The seam between whoever asks questions of pictures and the model that weighs their answers.

scores = scorer.score([Look(picture, sheet)])[0][0]     # of the first look's first question
math.exp(scores.log_probabilities[0]), scores.mass
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from watchpost.inference.questions import QuestionSheet

__all__ = ["LabelScores", "Look", "Scorer", "ScorerIdentity"]


@dataclass(frozen=True, slots=True)
class Look:
    """A picture (height x width x 3, BGR) and what is asked of it.

    Args:
        bgr: the picture that is asked about.
        sheet: the questions.
        before_bgr: the camera's picture before it, of the same size, where both make one temporal patch.

    """

    bgr: npt.NDArray[np.uint8]
    sheet: QuestionSheet
    before_bgr: npt.NDArray[np.uint8] | None = None


@dataclass(frozen=True, slots=True)
class LabelScores:
    """How probable each answer's word is as the next token, among all tokens: natural logarithms, uncalibrated."""

    log_probabilities: tuple[float, ...]

    @property
    def mass(self) -> float:
        """The share of all probability that lies on the answers. Little means: the model would say something else."""
        return min(1.0, math.fsum(math.exp(one) for one in self.log_probabilities))


@dataclass(frozen=True, slots=True)
class ScorerIdentity:
    """What a score is to be traced to."""

    model: str
    precision: str
    digest: str


class Scorer(Protocol):
    """Weighs the answers of closed questions. It generates no text and remembers no picture."""

    @property
    def identity(self) -> ScorerIdentity:
        """The model."""
        ...

    def score(self, looks: Sequence[Look]) -> list[tuple[LabelScores, ...]]:
        """For each look, in their order, the scores of each question of its sheet.

        Raises ModelError where the model cannot answer, RetryableError where the same call may work later.
        """
        ...
