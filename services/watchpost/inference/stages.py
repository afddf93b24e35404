"""Tells where a batch's time goes, by stages that only those who work on it know.

stages = BatchStages()
scorer = …(stages.took)        # whoever computes says how long each of its stages took
stages.begun(); …; stages.told()
"""

from collections import defaultdict
from collections.abc import Callable
from enum import StrEnum

from watchpost.telemetry import metrics

__all__ = ["BatchStages", "Stage", "StageListener", "untold"]


class Stage(StrEnum):
    """Where a frame's time goes between its capture and its answer.

    QUEUE: from its capture until its batch begins. PREPROCESS: pixels are read, brought to the device and the model's
    size. VISION: pictures are seen. LANGUAGE: questions are answered.
    """

    QUEUE = "queue"
    PREPROCESS = "preprocess"
    VISION = "vision"
    LANGUAGE = "language"


StageListener = Callable[[Stage, float], None]
"""Is told a stage and the seconds that it took, by the thread that looks."""


def untold(_stage: Stage, _took_s: float) -> None:
    """Where nobody listens."""


class BatchStages:
    """Adds up what the parts of one batch took, so that the histogram holds one figure a batch and stage."""

    def __init__(self) -> None:
        self._took_s: dict[Stage, float] = defaultdict(float)

    def begun(self) -> None:
        """A batch begins: what was measured before, such as a model's preparation, is not of it."""
        self._took_s.clear()

    def took(self, stage: Stage, took_s: float) -> None:
        """See StageListener."""
        self._took_s[stage] += took_s

    def told(self) -> None:
        """The batch is over."""
        for stage, took_s in self._took_s.items():
            metrics.INFERENCE_STAGE_SECONDS.labels(stage.value).observe(took_s)
