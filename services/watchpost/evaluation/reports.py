"""What is said of a task over all its labelled pictures."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from watchpost.contracts.records import Question
from watchpost.evaluation.asking import Judged
from watchpost.evaluation.measures import average_precision, mean_absolute_error, precision_recall
from watchpost.inference.answering import LEAST_MASS, UNSURE, person_count
from watchpost.inference.fitting import LabelledScores, confidences, expected_calibration_error, held_out
from watchpost.inference.questions import COUNT_PEOPLE
from watchpost.inference.scaling import IDENTITY, logits_of, scaled

__all__ = ["TaskReport", "calibration_errors", "reports_of", "table"]

_THRESHOLD = 0.5


@dataclass(frozen=True, slots=True)
class TaskReport:
    """Figures of one task. None stands for what cannot be said.

    Precision, recall, F1 and average precision are of yes; of a count, of there being anybody. Who is unsure says
    nothing: what was so is then missed. Calibration errors are of the answers that are not unsure: `ece_before` of the
    model's own probabilities, `ece_after` of those fitted on the other folds of these labels.
    """

    task: str
    n: int
    abstained: float
    precision: float | None
    recall: float | None
    f1: float | None
    average_precision: float | None
    mean_absolute_error: float | None
    ece_before: float | None
    ece_after: float | None

    def as_plain(self) -> dict[str, Any]:
        """For JSON."""
        return {key: round(value, 4) if isinstance(value, float) else value for key, value in asdict(self).items()}


def reports_of(judged: Iterable[Judged], questions: Mapping[str, Question]) -> list[TaskReport]:
    """A report for each task, in the order in which they come."""
    by_task: dict[str, list[Judged]] = defaultdict(list)
    for one in judged:
        by_task[one.task].append(one)
    return [
        _report(task, its, questions[task].threshold if task in questions else _THRESHOLD)
        for task, its in by_task.items()
    ]


def calibration_errors(samples: Sequence[LabelledScores]) -> tuple[float | None, float | None]:
    """Before, and after a fit on other folds; of one question's samples. Those without evidence are left out."""
    sure = [sample for sample in samples if sample.scores.mass >= LEAST_MASS]
    if not sure:
        return None, None
    before = scaled(logits_of([sample.scores for sample in sure]), IDENTITY)
    after = held_out(sure)
    return (
        expected_calibration_error(*confidences(sure, before)),
        None if after is None else expected_calibration_error(*confidences(sure, after)),
    )


def table(reports: Sequence[TaskReport]) -> list[str]:
    """Lines for a person."""
    heads = ("task", "n", "abstained", "precision", "recall", "F1", "AP", "MAE", "ECE before", "ECE after")
    rows = [heads, *(tuple(_cell(value) for value in asdict(report).values()) for report in reports)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(heads))]
    return [
        "  ".join(
            [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        )
        for row in rows
    ]


def _cell(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def _report(task: str, judged: list[Judged], threshold: float) -> TaskReport:
    is_count = task == COUNT_PEOPLE.task
    sure = [one for one in judged if one.answer.label != UNSURE]
    counted = [(number, int(one.truth)) for one in sure if (number := person_count([one.answer])) is not None]
    detected = precision_recall([_says_yes(one, threshold) for one in judged], [one.truth > 0 for one in judged])
    ranked = [(one.yes, one.truth > 0) for one in sure if one.yes is not None]
    before, after = calibration_errors([one.sample for one in judged if one.sample is not None])
    return TaskReport(
        task,
        len(judged),
        1 - len(sure) / len(judged),
        detected.precision,
        detected.recall,
        detected.f1,
        average_precision(*zip(*ranked, strict=True)) if ranked else None,
        mean_absolute_error(*zip(*counted, strict=True)) if is_count and counted else None,
        before,
        after,
    )


def _says_yes(one: Judged, threshold: float) -> bool:
    if one.task == COUNT_PEOPLE.task:
        return bool(person_count([one.answer]))
    return one.yes is not None and one.yes >= threshold
