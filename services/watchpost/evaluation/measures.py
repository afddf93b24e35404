"""The figures by which answers are judged."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["Detection", "average_precision", "mean_absolute_error", "precision_recall"]


@dataclass(frozen=True, slots=True)
class Detection:
    """How often what was said was so (precision), and what was so was said (recall). None where there was nothing."""

    precision: float | None
    recall: float | None

    @property
    def f1(self) -> float | None:
        """Their harmonic mean."""
        if self.precision is None or self.recall is None:
            return None
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0


def precision_recall(said: Sequence[bool], truth: Sequence[bool]) -> Detection:
    """Of equally many answers and truths."""
    right = sum(one and true for one, true in zip(said, truth, strict=True))
    return Detection(right / sum(said) if any(said) else None, right / sum(truth) if any(truth) else None)


def average_precision(probabilities: Sequence[float], truth: Sequence[bool]) -> float | None:
    """The mean of the precision over the recall, over all thresholds; equals are one. None where nothing is true."""
    if not any(truth):
        return None
    order = np.argsort(-np.asarray(probabilities), kind="stable")
    sorted_probabilities = np.asarray(probabilities, np.float64)[order]
    right = np.cumsum(np.asarray(truth, np.float64)[order])
    last_of_equals = np.append(np.diff(sorted_probabilities) != 0, np.True_)
    right, said = right[last_of_equals], (np.arange(len(order)) + 1)[last_of_equals]
    return float(np.sum(np.diff(right, prepend=0.0) * right / said) / sum(truth))


def mean_absolute_error(counted: Sequence[int], truth: Sequence[int]) -> float | None:
    """None of none."""
    if not counted:
        return None
    return math.fsum(abs(one - true) for one, true in zip(counted, truth, strict=True)) / len(counted)
