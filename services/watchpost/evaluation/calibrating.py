"""Fits a calibration to what a model answered to labelled pictures."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from watchpost.contracts.records import CameraId
from watchpost.errors import ConfigError
from watchpost.evaluation.asking import Judged
from watchpost.evaluation.reports import calibration_errors
from watchpost.inference.answering import LEAST_MASS
from watchpost.inference.calibration import CalibrationEntry, CalibrationKey, key_of
from watchpost.inference.fitting import LEAST_SAMPLES, LabelledScores, fit_by_camera
from watchpost.inference.scorer import ScorerIdentity

__all__ = ["Fit", "fits_of"]


@dataclass(frozen=True, slots=True)
class Fit:
    """What was fitted, and the calibration errors before, and after on pictures held out."""

    key: CalibrationKey
    entry: CalibrationEntry
    ece_before: float | None
    ece_after: float | None

    def as_plain(self) -> dict[str, Any]:
        """For JSON."""
        return {
            **asdict(self.key),
            "temperature": self.entry.scaling.temperature,
            "bias": self.entry.scaling.bias,
            "samples": self.entry.samples,
            "ece_before": self.ece_before,
            "ece_after": self.ece_after,
        }

    def line(self) -> str:
        """For a person."""
        errors = " → ".join("-" if one is None else f"{one:.3f}" for one in (self.ece_before, self.ece_after))
        scaling = self.entry.scaling
        return (
            f"{self.key.task}  {self.key.camera or 'any camera'}  n {self.entry.samples}  "
            f"temperature {scaling.temperature:.3f}  bias {scaling.bias:+.3f}  ECE {errors}"
        )


def fits_of(judged: Iterable[Judged], identity: ScorerIdentity, camera: CameraId | None) -> list[Fit]:
    """For each wording and task a fit for any camera, and one for each camera with enough labels.

    With `camera` that camera's alone, drawn to what all the labels say. Answers without evidence teach nothing.

    Raises:
        ConfigError: there are too few labels for any.

    """
    by_question: dict[tuple[str, str], list[LabelledScores]] = defaultdict(list)
    for one in judged:
        if one.sample is not None and one.sample.scores.mass >= LEAST_MASS:
            by_question[one.prompt_digest, one.task].append(one.sample)
    found = [
        fit
        for (digest, task), samples in by_question.items()
        for fit in _fits(digest, task, samples, identity)
        if camera is None or fit.key.camera == camera
    ]
    if not found:
        most = max((len(samples) for samples in by_question.values()), default=0)
        whose = "" if camera is None else f" of camera {camera}"
        raise ConfigError(
            "labels",
            f"too few to learn from: {LEAST_SAMPLES} answers with evidence are needed of a task{whose}, and the most "
            f"that a task of any camera has are {most}",
            "label more pictures",
        )
    return found


def _fits(digest: str, task: str, samples: Sequence[LabelledScores], identity: ScorerIdentity) -> list[Fit]:
    fits = fit_by_camera(samples)
    cameras = {sample.camera for sample in samples}
    if fits and len(cameras) == 1:
        fits = {**fits, cameras.pop(): fits[None]}
    errors = {whose: calibration_errors(_of(samples, whose)) for whose in fits}
    return [
        Fit(
            key_of(digest, identity, task, whose),
            CalibrationEntry(scaling, len(_of(samples, whose))),
            *errors[whose],
        )
        for whose, scaling in fits.items()
    ]


def _of(samples: Sequence[LabelledScores], camera: CameraId | None) -> list[LabelledScores]:
    return [sample for sample in samples if camera is None or sample.camera == camera]
