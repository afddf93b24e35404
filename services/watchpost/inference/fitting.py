"""Finds the temperature and bias with which a question's probabilities hold, and says by how much they do not.

fits = fit_by_camera(samples)              # {None: Scaling(…), "door": Scaling(…)}: None is every camera
expected_calibration_error(*confidences(samples, held_out(samples)))
"""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from watchpost.contracts.records import CameraId
from watchpost.inference.questions import AnswerKind
from watchpost.inference.scaling import IDENTITY, Floats, Scaling, logits_of, scaled
from watchpost.inference.scorer import LabelScores

__all__ = [
    "LEAST_SAMPLES",
    "LabelledScores",
    "confidences",
    "expected_calibration_error",
    "fit_by_camera",
    "fit_scaling",
    "held_out",
]

LEAST_SAMPLES = 20
"""With fewer, nothing is fitted."""
_LEAST_OF_EACH = 5
"""A bias needs so many of yes and of no: of one alone it would only learn which one was labelled."""
_TEMPERATURES = (0.05, 20.0)
_BIASES = (-10.0, 10.0)
# how far log temperature and bias stray from what they are drawn to (one standard deviation): a prior that 20 samples
# feel and 500 do not
_SPREAD_OF_LOG_TEMPERATURE, _SPREAD_OF_BIAS = 1.0, 2.0
_FOLDS = 5
_BINS = 10


@dataclass(frozen=True, slots=True)
class LabelledScores:
    """A question's scores and the true answer.

    Args:
        kind: which answers the question may have.
        scores: what the model weighed.
        truth: the true label's place in `kind.labels`.
        camera: whose picture it was.
        group: what is too alike to stand on both sides of a split, such as one recording.

    """

    kind: AnswerKind
    scores: LabelScores
    truth: int
    camera: CameraId
    group: str


def fit_scaling(samples: Sequence[LabelledScores], prior: Scaling = IDENTITY) -> Scaling | None:
    """The scaling of least negative log likelihood, drawn to `prior`; None of fewer than `LEAST_SAMPLES`.

    Questions of yes or no get a bias too, where both are among the true answers often enough; counts never.
    """
    if len(samples) < LEAST_SAMPLES:
        return None
    logits = logits_of([sample.scores for sample in samples])
    truth = np.array([sample.truth for sample in samples])
    rows = np.arange(len(truth))
    with_bias = _has_bias(samples)

    def cost(point: Floats) -> float:
        tried = _scaling_at(point, prior)
        likely = np.maximum(scaled(logits, tried)[rows, truth], np.finfo(np.float64).tiny)
        strayed = (math.log(tried.temperature / prior.temperature) / _SPREAD_OF_LOG_TEMPERATURE) ** 2
        strayed += ((tried.bias - prior.bias) / _SPREAD_OF_BIAS) ** 2
        return float(strayed / 2 - np.log(likely).sum()) / len(truth)

    bounds = [(math.log(_TEMPERATURES[0]), math.log(_TEMPERATURES[1])), _BIASES]
    start = [math.log(prior.temperature), prior.bias]
    parameters = 2 if with_bias else 1
    found = minimize(cost, start[:parameters], method="L-BFGS-B", bounds=bounds[:parameters])
    return _scaling_at(found.x, prior)


def fit_by_camera(samples: Sequence[LabelledScores]) -> dict[CameraId | None, Scaling]:
    """One fit over all cameras (None), and one for each with enough samples, drawn to that. Empty of too few samples.

    Samples are of one question.
    """
    of_all = fit_scaling(samples)
    if of_all is None:
        return {}
    by_camera: dict[CameraId, list[LabelledScores]] = defaultdict(list)
    for sample in samples:
        by_camera[sample.camera].append(sample)
    # a camera that is the only one has nothing of its own to learn
    own = {camera: fit_scaling(its, of_all) for camera, its in by_camera.items()} if len(by_camera) > 1 else {}
    return {None: of_all, **{camera: fit for camera, fit in own.items() if fit is not None}}


def held_out(samples: Sequence[LabelledScores], folds: int = _FOLDS) -> Floats | None:
    """Each sample's probabilities after a fit on others: n x labels. None where a fold's others are too few.

    A group is never on both sides of a split; where there are fewer groups than folds, neighbours stay together.
    """
    fold = _folds(samples, folds)
    after = logits_of([sample.scores for sample in samples]) if samples else np.empty((0, 0))
    for number in range(folds):
        fits = fit_by_camera([sample for sample, own in zip(samples, fold, strict=True) if own != number])
        if not fits:
            return None
        for row, (sample, own) in enumerate(zip(samples, fold, strict=True)):
            if own == number:
                after[row] = scaled(after[row : row + 1], fits.get(sample.camera, fits[None]))[0]
    return after


def confidences(samples: Sequence[LabelledScores], probabilities: Floats) -> tuple[Floats, Floats]:
    """What a calibration is judged by: P(yes) and whether it was; of counts, P(the likeliest) and whether it held."""
    truth = np.array([sample.truth for sample in samples], np.int64)
    if samples and samples[0].kind is AnswerKind.YES_NO:
        return probabilities[:, 0], (truth == 0).astype(np.float64)
    return probabilities.max(axis=1), (probabilities.argmax(axis=1) == truth).astype(np.float64)


def expected_calibration_error(confidence: Floats, outcome: Floats, bins: int = _BINS) -> float:
    """How far confidence and frequency lie apart, from 0 to 1, weighed over bins of equal mass; equals share a bin."""
    edges = np.unique(np.quantile(confidence, np.linspace(0, 1, bins + 1)[1:-1]))
    place = np.searchsorted(edges, confidence, side="right")
    gaps = [abs(float((confidence - outcome)[place == one].sum())) for one in np.unique(place)]
    return math.fsum(gaps) / len(confidence)


def _scaling_at(point: Floats, prior: Scaling) -> Scaling:
    return Scaling(math.exp(float(point[0])), float(point[1]) if len(point) > 1 else prior.bias)


def _has_bias(samples: Sequence[LabelledScores]) -> bool:
    if samples[0].kind is not AnswerKind.YES_NO:
        return False
    yes = sum(sample.truth == 0 for sample in samples)
    return min(yes, len(samples) - yes) >= _LEAST_OF_EACH


def _folds(samples: Sequence[LabelledScores], folds: int) -> list[int]:
    order = {group: place for place, group in enumerate(dict.fromkeys(sample.group for sample in samples))}
    if len(order) >= folds:
        return [order[sample.group] % folds for sample in samples]
    return [place * folds // len(samples) for place in range(len(samples))]
