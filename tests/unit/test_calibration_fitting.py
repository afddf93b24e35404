"""Calibration on scores drawn with a known temperature and bias: what was done to them is found and undone."""

import math

import numpy as np
import pytest

from watchpost.contracts.records import CameraId
from watchpost.inference.fitting import (
    LEAST_SAMPLES,
    LabelledScores,
    confidences,
    expected_calibration_error,
    fit_by_camera,
    fit_scaling,
    held_out,
)
from watchpost.inference.questions import AnswerKind
from watchpost.inference.scaling import IDENTITY, Scaling, logits_of, scaled
from watchpost.inference.scorer import LabelScores

_DOOR, _YARD = CameraId("door"), CameraId("yard")


def drawn(
    scaling: Scaling,
    count: int,
    kind: AnswerKind = AnswerKind.YES_NO,
    *,
    camera: CameraId = _DOOR,
    seed: int = 1,
) -> list[LabelledScores]:
    """Scores of a model that would be right after `scaling`: each truth is drawn from the scaled probabilities."""
    random = np.random.default_rng(seed)
    logits = random.normal(0, 4, (count, len(kind.labels)))
    logits -= np.log(np.exp(logits).sum(axis=1, keepdims=True))
    truths = [random.choice(len(row), p=row) for row in scaled(logits.copy(), scaling)]
    return [
        LabelledScores(kind, LabelScores(tuple(row.tolist())), int(truth), camera, f"{camera}-{place}")
        for place, (row, truth) in enumerate(zip(logits, truths, strict=True))
    ]


def error_of(samples: list[LabelledScores], scaling: Scaling = IDENTITY) -> float:
    """The calibration error of the samples under a scaling."""
    return expected_calibration_error(
        *confidences(samples, scaled(logits_of([one.scores for one in samples]), scaling))
    )


@pytest.mark.parametrize("done", [Scaling(3.0, -0.8), Scaling(0.5, 0.4), Scaling(1.0, 0.0)])
def test_known_temperature_and_bias_are_recovered(done: Scaling) -> None:
    found = fit_scaling(drawn(done, 4000))

    assert found is not None
    assert found.temperature == pytest.approx(done.temperature, rel=0.12)
    assert found.bias == pytest.approx(done.bias, abs=0.15)


def test_counts_get_a_temperature_and_no_bias() -> None:
    found = fit_scaling(drawn(Scaling(2.5), 2000, AnswerKind.COUNT))

    assert found is not None
    assert found.temperature == pytest.approx(2.5, rel=0.1)
    assert found.bias == 0.0


@pytest.mark.parametrize("kind", list(AnswerKind))
def test_calibration_error_falls_below_three_hundredths_on_samples_held_out(kind: AnswerKind) -> None:
    samples = drawn(Scaling(3.0, -0.8 if kind is AnswerKind.YES_NO else 0.0), 4000, kind)

    after = held_out(samples)

    assert error_of(samples) > 0.1
    assert after is not None
    assert expected_calibration_error(*confidences(samples, after)) < 0.03


def test_too_few_samples_are_fitted_not_at_all() -> None:
    samples = drawn(Scaling(3.0), LEAST_SAMPLES - 1)

    assert fit_scaling(samples) is None
    assert fit_by_camera(samples) == {}
    assert held_out(samples) is None


def test_few_samples_that_happen_to_be_all_right_make_no_model_certain() -> None:
    right = LabelScores((math.log(0.8), math.log(0.2)))
    wrong_way = LabelScores((math.log(0.2), math.log(0.8)))
    samples = [
        LabelledScores(AnswerKind.YES_NO, right if place % 2 == 0 else wrong_way, place % 2, _DOOR, str(place))
        for place in range(LEAST_SAMPLES)
    ]

    found = fit_scaling(samples)

    assert found is not None
    assert 0.2 < found.temperature < 1


def test_one_answer_alone_teaches_no_bias() -> None:
    samples = [one for one in drawn(Scaling(2.0), 400) if one.truth == 1]

    found = fit_scaling(samples)

    assert found is not None
    assert found.bias == 0.0


def test_camera_with_samples_of_its_own_gets_its_own_and_one_with_few_does_not() -> None:
    samples = [*drawn(Scaling(3.0), 1500), *drawn(Scaling(1.0), 1500, camera=_YARD, seed=2)]
    samples += drawn(Scaling(1.0), 5, camera=CameraId("roof"), seed=3)

    fits = fit_by_camera(samples)

    assert set(fits) == {None, _DOOR, _YARD}
    assert fits[_DOOR].temperature == pytest.approx(3.0, rel=0.15)
    assert fits[_YARD].temperature == pytest.approx(1.0, rel=0.15)


def test_recording_is_never_on_both_sides_of_a_split() -> None:
    # within each of five recordings one answer, which is always called wrong elsewhere: fitted on itself, it would fit
    certain = LabelScores((math.log(0.9), math.log(0.1)))
    samples = [
        LabelledScores(AnswerKind.YES_NO, certain, int(clip == 0), _DOOR, str(clip))
        for clip in range(5)
        for _ in range(20)
    ]

    after = held_out(samples)

    assert after is not None
    assert after[0, 0] > 0.9  # what it learnt elsewhere: always yes


def test_error_is_nothing_where_frequencies_hold_and_all_of_it_where_they_do_not() -> None:
    half = np.full(1000, 0.5)
    outcome = np.repeat([1.0, 0.0], 500)

    assert expected_calibration_error(half, outcome) == pytest.approx(0.0)
    assert expected_calibration_error(np.ones(10), np.zeros(10)) == pytest.approx(1.0)


def test_infinite_and_missing_scores_are_taken_as_hardly_possible() -> None:
    rows = logits_of([LabelScores((-math.inf, 0.0)), LabelScores((math.nan, -0.1))])

    assert np.isfinite(rows).all()
    assert scaled(rows, IDENTITY)[:, 0] == pytest.approx([0.0, 0.0])
