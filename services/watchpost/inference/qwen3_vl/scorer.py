"""The scorer that runs Qwen3-VL on this machine.

scorer = Qwen3VlScorer(engine, tokenize, identity)
scorer.score([Look(picture, sheet)])
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from watchpost.errors import BatchTooLargeError
from watchpost.inference.questions import QuestionSheet
from watchpost.inference.qwen3_vl.batching import Batch, batches
from watchpost.inference.qwen3_vl.canvases import DEFAULT_CANVASES, canvas_for
from watchpost.inference.qwen3_vl.engine import Engine
from watchpost.inference.qwen3_vl.pixels import resized
from watchpost.inference.qwen3_vl.places import Canvas
from watchpost.inference.qwen3_vl.sheets import Tokenize, parts_of, tokens_of
from watchpost.inference.qwen3_vl.slots import SheetSlots
from watchpost.inference.qwen3_vl.stage_marks import StageMarks
from watchpost.inference.scorer import LabelScores, Look, ScorerIdentity
from watchpost.inference.stages import Stage, StageListener, untold

__all__ = ["SLOTS", "Qwen3VlScorer"]

SLOTS = 8
"""How many different sheets of questions are kept at once."""


@dataclass(frozen=True, slots=True)
class _Running:
    """A batch on its way. `answers` lie in the machine's memory once "fetched" has passed."""

    batch: Batch
    answers: Tensor
    marks: StageMarks


class Qwen3VlScorer:
    """Scores looks in batches of one canvas. Several threads may call it: while one waits, the other feeds the GPU."""

    def __init__(
        self,
        engine: Engine,
        tokenize: Tokenize,
        identity: ScorerIdentity,
        canvases: Sequence[Canvas] = DEFAULT_CANVASES,
        largest_batch: int = 32,
        told: StageListener = untold,
    ) -> None:
        self.identity = identity
        self._told = told
        self._engine = engine
        self._canvases, self._largest_batch = tuple(canvases), largest_batch
        # callers may ask for ever new questions
        self._sheet_tokens = lru_cache(maxsize=256)(partial(tokens_of, tokenize=tokenize))
        self._parts = lru_cache(maxsize=256)(partial(parts_of, tokenize=tokenize, most_tokens=engine.capacity))
        self._slots = SheetSlots(SLOTS)
        self._turn = threading.Lock()
        # pictures travel beside the computation, not between two computations
        self._uploads = torch.cuda.Stream(engine.device) if engine.device.type == "cuda" else None

    def score(self, looks: Sequence[Look]) -> list[tuple[LabelScores, ...]]:
        """See Scorer. Raises BatchTooLargeError where the card's memory does not hold the batch.

        Questions that are too long together are put to the picture in several passes.
        """
        asked = [replace(look, sheet=part) for look in looks for part in self._parts(look.sheet)]
        scored = iter(self._scored(asked))
        return [tuple(one for _ in self._parts(look.sheet) for one in next(scored)) for look in looks]

    def _scored(self, looks: Sequence[Look]) -> list[tuple[LabelScores, ...]]:
        scores: list[tuple[LabelScores, ...]] = [()] * len(looks)
        try:
            for running in [self._begun(batch, looks) for batch in self._batches(looks)]:
                running.marks.wait("fetched")
                for look, answers in zip(running.batch.looks, running.answers.tolist(), strict=False):
                    scores[look] = _scores(looks[look].sheet, answers)
                self._tell(running.marks)
        except torch.cuda.OutOfMemoryError as full:
            torch.cuda.empty_cache()
            raise BatchTooLargeError(f"{len(looks)} pictures at once do not fit the card's memory") from full
        return scores

    def prepare(self, sheet: QuestionSheet, canvas: Canvas, batch_sizes: Sequence[int]) -> None:
        """Capture what a sheet on a canvas needs, before the first picture comes."""
        picture = torch.zeros(canvas.height_px, canvas.width_px, 3, dtype=torch.uint8).numpy()
        for size in batch_sizes:
            self.score([Look(picture, sheet)] * size)

    def _batches(self, looks: Sequence[Look]) -> list[Batch]:
        described = [
            (
                look,
                canvas_for(look.bgr.shape[1], look.bgr.shape[0], self._canvases),
                len(self._sheet_tokens(look.sheet).tail),
            )
            for look in looks
        ]
        return batches(described, self._largest_batch, SLOTS)

    def _begun(self, batch: Batch, looks: Sequence[Look]) -> _Running:
        marks = StageMarks(self._engine.device)
        pictures = self._uploaded([looks[index] for index in batch.looks], batch, marks)
        with self._turn:
            slots = self._placed([looks[index].sheet for index in batch.looks], batch.step.batch)
            if self._uploads is not None:
                torch.cuda.current_stream(self._engine.device).wait_stream(self._uploads)
                pictures.record_stream(torch.cuda.current_stream(self._engine.device))
            answers = self._engine.run(batch.step, pictures, slots, marks)
            # asked for within the turn: later, it would wait for the other thread's batch
            fetched = answers.to("cpu", non_blocking=True)
            marks.mark("fetched")
        return _Running(batch, fetched, marks)

    def _tell(self, marks: StageMarks) -> None:
        self._told(Stage.PREPROCESS, marks.between_s("taken", "uploaded"))
        self._told(Stage.VISION, marks.between_s("begun", "seen"))
        self._told(Stage.LANGUAGE, marks.between_s("seen", "read"))

    def _uploaded(self, looks: Sequence[Look], batch: Batch, marks: StageMarks) -> Tensor:
        """The batch's pictures on the device: batch x 2 (earlier, later) x height x width x 3."""
        canvas = batch.step.canvas
        size = (batch.step.batch, 2, canvas.height_px, canvas.width_px, 3)
        with torch.inference_mode(), torch.cuda.stream(self._uploads):
            marks.mark("taken")
            pictures = torch.zeros(size, dtype=torch.uint8, device=self._engine.device)
            for place, look in enumerate(looks):
                pictures[place, 1] = self._on_canvas(look.bgr, canvas)
                pictures[place, 0] = (
                    pictures[place, 1] if look.before_bgr is None else self._on_canvas(look.before_bgr, canvas)
                )
            marks.mark("uploaded")
        return pictures

    def _on_canvas(self, bgr: npt.NDArray[np.uint8], canvas: Canvas) -> Tensor:
        picture = torch.from_numpy(bgr)
        if self._uploads is not None:
            picture = picture.pin_memory().to(self._engine.device, non_blocking=True)
        return resized(picture, canvas)

    def _placed(self, sheets: Sequence[QuestionSheet], batch: int) -> Tensor:
        """The slot of each picture's sheet, kept if it was not yet."""
        slots = []
        for sheet in sheets:
            slot = self._slots.find(sheet)
            if slot is None:
                slot = self._slots.free(sheets)
                self._engine.keep(slot, self._sheet_tokens(sheet))
                self._slots.take(sheet, slot)
            slots.append(slot)
        slots += [slots[-1]] * (batch - len(slots))
        placed = torch.tensor(slots, dtype=torch.int32)
        # from ordinary memory the copy would wait for all that runs, and the GPU then for the next batch
        return placed if self._uploads is None else placed.pin_memory().to(self._engine.device, non_blocking=True)


def _scores(sheet: QuestionSheet, answers: list[list[float]]) -> tuple[LabelScores, ...]:
    return tuple(
        LabelScores(tuple(answer[: len(question.kind.words)]))
        for question, answer in zip(sheet.questions, answers, strict=False)
    )
