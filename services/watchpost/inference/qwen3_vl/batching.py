"""Deals looks into the batches that the engine has graphs for."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from watchpost.inference.questions import MOST_QUESTIONS, QuestionSheet
from watchpost.inference.qwen3_vl.engine import Step
from watchpost.inference.qwen3_vl.places import Canvas
from watchpost.inference.scorer import Look

__all__ = ["BATCH_SIZES", "Batch", "batches"]

BATCH_SIZES = (1, 2, 4, 6, 8, 10, 12, 16, 24, 32)
_QUESTIONS = (2, 4, 6, 8, 12, MOST_QUESTIONS)


@dataclass(frozen=True, slots=True)
class Batch:
    """A step, and which looks it is for; where it has more room than looks, the rest is filled and not read."""

    step: Step
    looks: tuple[int, ...]


def batches(looks: Sequence[tuple[Look, Canvas, int]], largest: int, most_sheets: int) -> list[Batch]:
    """The batches of these looks, each given with its canvas and its sheet's tail tokens.

    At most `largest` looks of at most `most_sheets` different sheets in one.
    """
    alike: dict[tuple[Canvas, int, int], list[int]] = defaultdict(list)
    for index, (look, canvas, tail) in enumerate(looks):
        questions = next(size for size in _QUESTIONS if size >= len(look.sheet.questions))
        alike[canvas, tail, questions].append(index)
    return [
        Batch(Step(canvas, _size(len(part), largest), tail, questions), tuple(part))
        for (canvas, tail, questions), indexes in alike.items()
        for part in _parts(indexes, looks, largest, most_sheets)
    ]


def _parts(
    indexes: list[int], looks: Sequence[tuple[Look, Canvas, int]], largest: int, most_sheets: int
) -> list[list[int]]:
    """Cut where a part is full, or would have a sheet too many."""
    parts: list[list[int]] = []
    sheets: set[QuestionSheet] = set()
    for index in indexes:
        sheet = looks[index][0].sheet
        if not parts or len(parts[-1]) == largest or len(sheets | {sheet}) > most_sheets:
            parts.append([])
            sheets = set()
        parts[-1].append(index)
        sheets.add(sheet)
    return parts


def _size(looks: int, largest: int) -> int:
    return next((size for size in BATCH_SIZES if looks <= size <= largest), largest)
