"""Sets what several precisions and prompt orders answer to the same pictures side by side."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from watchpost.evaluation.asking import Judged
from watchpost.inference.answering import UNSURE

__all__ = ["Agreement", "agreements"]


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far one run answers as another does.

    Args:
        run: which.
        against: the other.
        task: of which answers.
        n: answers of both.
        agreement: the share with the same label.
        flips: how many labels differ while neither is unsure.

    """

    run: str
    against: str
    task: str
    n: int
    agreement: float
    flips: int

    def as_plain(self) -> dict[str, Any]:
        """For JSON."""
        return {**asdict(self), "agreement": round(self.agreement, 4)}


def agreements(run: str, judged: Sequence[Judged], against: str, others: Sequence[Judged]) -> list[Agreement]:
    """For each task; both runs were asked of the same labels."""
    labels = {(one.frame.place, one.task): one.answer.label for one in others}
    by_task: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for one in judged:
        other = labels.get((one.frame.place, one.task))
        if other is not None:
            by_task[one.task].append((one.answer.label, other))
    return [
        Agreement(
            run,
            against,
            task,
            len(pairs),
            sum(one == other for one, other in pairs) / len(pairs),
            sum(one != other and UNSURE not in {one, other} for one, other in pairs),
        )
        for task, pairs in by_task.items()
    ]
