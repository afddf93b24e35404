"""Temperature and bias: what turns a model's weights of a question's answers into probabilities that hold.

probabilities(scores, Scaling(temperature=2.0, bias=-0.4))    # of each label, in the order of AnswerKind.labels
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import softmax

from watchpost.inference.scorer import LabelScores

__all__ = ["IDENTITY", "Scaling", "logits_of", "probabilities", "scaled"]

Floats = npt.NDArray[np.float64]
# a model or a server may say minus infinity, which no temperature can divide
_LEAST = -100.0


@dataclass(frozen=True, slots=True)
class Scaling:
    """What a question's logits are divided by, and what is then added to that of the first label, `yes`.

    Source: Guo et al. 2017 for the temperature, Platt 1999 for the bias. Counts have no bias.
    """

    temperature: float = 1.0
    bias: float = 0.0


IDENTITY = Scaling()


def probabilities(scores: LabelScores, scaling: Scaling = IDENTITY) -> tuple[float, ...]:
    """How probable each label is, given that it is one of them: they sum to 1."""
    return tuple(float(one) for one in scaled(logits_of([scores]), scaling)[0])


def logits_of(scores: Sequence[LabelScores]) -> Floats:
    """One row for each of `scores`, which are of one kind of question."""
    rows = np.array([one.log_probabilities for one in scores], np.float64)
    return np.nan_to_num(np.maximum(rows, _LEAST), nan=_LEAST)


def scaled(logits: Floats, scaling: Scaling) -> Floats:
    """Probabilities, row by row."""
    moved = logits / scaling.temperature
    moved[:, 0] += scaling.bias
    return np.asarray(softmax(moved, axis=1), np.float64)
