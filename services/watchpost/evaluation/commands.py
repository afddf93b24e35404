"""What `watchpost evaluate` and `watchpost calibrate` do."""

import gc
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from watchpost.contracts.records import Assignment, CameraId
from watchpost.errors import ConfigError
from watchpost.evaluation.asking import Judged, assignments_of, judged_by_analyzer, judged_by_scorer
from watchpost.evaluation.calibrating import Fit, fits_of
from watchpost.evaluation.comparing import Agreement, agreements
from watchpost.evaluation.labels import Labels, read_labels
from watchpost.evaluation.reports import TaskReport, reports_of, table
from watchpost.inference.calibration_file import calibration_path, read_calibration, write_calibration
from watchpost.inference.questions import PromptOrder
from watchpost.inference.scorer import Scorer
from watchpost.models import ModelKind, model_in_force
from watchpost.settings import SiteSettings

__all__ = ["BuildScorer", "Calibrated", "Evaluation", "Run", "calibrate", "evaluate", "precisions_of", "with_model"]

BuildScorer = Callable[[SiteSettings], Scorer]
_PRECISIONS = ("int4", "int8", "fp16", "fp32")
_PRECISION = re.compile(rf"(.+)[-/]({'|'.join(_PRECISIONS)})")


@dataclass(frozen=True, slots=True)
class Run:
    """One model in one precision and one prompt order over all labels."""

    model: str
    precision: str
    order: PromptOrder | None
    judged: tuple[Judged, ...]
    reports: tuple[TaskReport, ...]
    unanswered: tuple[str, ...]

    @property
    def name(self) -> str:
        """What tells it from the others."""
        return f"{self.model} {self.precision}" + (f" {self.order}" if self.order else "")

    def as_plain(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "model": self.model,
            "precision": self.precision,
            "order": self.order,
            "prompt_digests": sorted({one.prompt_digest for one in self.judged}),
            "tasks": {report.task: report.as_plain() for report in self.reports},
            "unanswered": list(self.unanswered),
        }


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All runs, and how far each agrees with the first."""

    frames: int
    runs: tuple[Run, ...]
    agreements: tuple[Agreement, ...]

    def as_plain(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "frames": self.frames,
            "runs": [run.as_plain() for run in self.runs],
            "agreements": [one.as_plain() for one in self.agreements],
        }

    def lines(self) -> list[str]:
        """For a person."""
        lines = [f"{self.frames} labelled pictures"]
        for run in self.runs:
            lines += ["", run.name, *table(run.reports)]
            lines += [f"{task} is labelled, and nothing answers it" for task in run.unanswered]
        if self.agreements:
            lines.append("")
        lines += [
            f"{one.run} against {one.against}: {one.task}: {one.agreement:.1%} of {one.n} the same, {one.flips} flips"
            for one in self.agreements
        ]
        return lines


@dataclass(frozen=True, slots=True)
class Calibrated:
    """What was fitted, and where it lies."""

    path: Path
    fits: tuple[Fit, ...]

    def as_plain(self) -> dict[str, Any]:
        """For JSON."""
        return {"file": str(self.path), "fits": [fit.as_plain() for fit in self.fits]}

    def lines(self) -> list[str]:
        """For a person."""
        return [*(fit.line() for fit in self.fits), f"written to {self.path}"]


def with_model(settings: SiteSettings, model: str | None, precision: str | None = None) -> SiteSettings:
    """The same settings with another model; with a precision that beats the one in its name."""
    params = settings.model_params
    name = model or params.model
    if precision is None:
        return settings.model_copy(update={"model_params": params.model_copy(update={"model": name})})
    bare = _PRECISION.fullmatch(name)
    changed = {"model": bare[1] if bare else name, "precision": precision}
    return settings.model_copy(update={"model_params": params.model_copy(update=changed)})


def precisions_of(listed: str | None) -> tuple[str, ...]:
    """Those in a list such as fp16,int4. Raises ConfigError for anything else."""
    names = () if listed is None else tuple(name.strip() for name in listed.split(","))
    for name in names:
        if name not in _PRECISIONS:
            raise ConfigError("--compare", f"{name!r} is no precision", f"list some of {','.join(_PRECISIONS)}")
    return tuple(dict.fromkeys(names))


def evaluate(
    labels_path: Path, settings: SiteSettings, build_scorer: BuildScorer, precisions: Sequence[str] = ()
) -> Evaluation:
    """How well the settings' model answers; with `precisions`, in each of them and in both prompt orders.

    Raises:
        ConfigError: labels, settings or model cannot be used as they are. ModelError: the model's files cannot.

    """
    labels = read_labels(labels_path, settings.questions)
    if model_in_force(settings).kind is ModelKind.DETECTOR:
        if precisions:
            raise ConfigError("--compare", "a detector has one precision and no prompt", "leave --compare out")
        runs = [_detector_run(labels, settings)]
    elif not precisions:
        runs = [_scorer_run(labels, settings, build_scorer, PromptOrder.QUESTIONS_FIRST)]
    else:
        # one after the other: two models may not fit the card together
        runs = [
            _scorer_run(labels, with_model(settings, None, precision), build_scorer, order)
            for precision in precisions
            for order in PromptOrder
        ]
    first = runs[0]
    compared = [one for run in runs[1:] for one in agreements(run.name, run.judged, first.name, first.judged)]
    return Evaluation(len(labels.frames), tuple(runs), tuple(compared))


def calibrate(
    labels_path: Path,
    settings: SiteSettings,
    build_scorer: BuildScorer,
    camera: str | None = None,
    out: Path | None = None,
) -> Calibrated:
    """Fit a calibration to the labels and write it, beside what the file holds for other questions and models.

    Raises:
        ConfigError: as `evaluate`, or there are too few labels, or the file cannot be written.

    """
    if model_in_force(settings).kind is ModelKind.DETECTOR:
        raise ConfigError("--model", f"{settings.model_params.model} weighs no answers", "name a model that is asked")
    path = out or calibration_path(settings.state_dir)
    known = read_calibration(path)
    labels = read_labels(labels_path, settings.questions)
    scorer = build_scorer(settings)
    judged = judged_by_scorer(scorer, labels, assignments_of(labels, _configured(settings)), known)
    fits = fits_of(judged, scorer.identity, None if camera is None else CameraId(camera))
    write_calibration(path, known.with_entries({fit.key: fit.entry for fit in fits}))
    return Calibrated(path, tuple(fits))


def _scorer_run(labels: Labels, settings: SiteSettings, build_scorer: BuildScorer, order: PromptOrder) -> Run:
    gc.collect()  # what the run before held of the card's memory
    scorer = build_scorer(settings)
    calibration = read_calibration(calibration_path(settings.state_dir))
    asked = assignments_of(labels, _configured(settings))
    judged = judged_by_scorer(scorer, labels, asked, calibration, order, settings.inference.unsure_below)
    return _run(scorer.identity.model, scorer.identity.precision, order, judged, labels)


def _detector_run(labels: Labels, settings: SiteSettings) -> Run:
    from watchpost.inference.analyzers import build_analyzer  # noqa: PLC0415  (loads onnxruntime)

    analyzer = build_analyzer(settings)
    judged = judged_by_analyzer(analyzer, labels, assignments_of(labels, _configured(settings)))
    made = analyzer.provenance
    return _run(made.model, made.precision, None, judged, labels)


def _run(model: str, precision: str, order: PromptOrder | None, judged: Sequence[Judged], labels: Labels) -> Run:
    reports = tuple(reports_of(judged, labels.questions))
    answered = {report.task for report in reports}
    unanswered = tuple(task for task in labels.tasks if task not in answered)
    return Run(model, precision, order, tuple(judged), reports, unanswered)


def _configured(settings: SiteSettings) -> dict[CameraId, Assignment]:
    return {CameraId(name): settings.camera_spec(name).assignment for name in settings.cameras}
