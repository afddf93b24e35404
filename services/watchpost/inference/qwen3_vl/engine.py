"""Runs the forward pass for batches of one canvas, on a GPU as graphs that are captured once."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from watchpost.inference.qwen3_vl.forward import Model, SeenPicture, TextBatch, read_text, see
from watchpost.inference.qwen3_vl.operations import Tree
from watchpost.inference.qwen3_vl.pixels import patches
from watchpost.inference.qwen3_vl.places import Canvas, CanvasTables, canvas_tables, text_turns, token_places
from watchpost.inference.qwen3_vl.sheets import SheetTokens
from watchpost.inference.qwen3_vl.slots import SlotTables
from watchpost.inference.qwen3_vl.stage_marks import StageMarks

__all__ = ["Engine", "Step"]

_WARM_UPS = 2


@dataclass(frozen=True, slots=True)
class Step:
    """The sizes for which a graph is captured: pictures, and tokens after each."""

    canvas: Canvas
    batch: int
    tail: int
    questions: int


@dataclass(frozen=True, slots=True)
class _Inputs:
    pictures: Tensor
    slots: Tensor


class Engine:
    """The model on one device. Not for several threads at once.

    engine.keep(slot, tokens)
    log_probabilities = engine.run(step, pictures, slots)     # batch x questions x 11, fp32, on the device
    """

    def __init__(
        self,
        model: Model,
        tables: SlotTables,
        *,
        captures: bool,
    ) -> None:
        self.device, self.dtype = model.weights.embeddings.device, model.weights.patch[0].dtype
        self._model, self._weights, self._shape = model, model.weights, model.shape
        self._tables = tables
        self._canvases: dict[Canvas, CanvasTables] = {}
        self._captures = captures
        self._captured: dict[Step, _Captured] = {}
        self._pool = torch.cuda.graph_pool_handle() if captures else None

    @property
    def capacity(self) -> int:
        """The most tokens of a sheet before its picture, or after it."""
        return self._tables.capacity

    @torch.inference_mode()
    def keep(self, slot: int, tokens: SheetTokens) -> None:
        """Compute and keep the keys and values of a sheet's prefix."""
        self._tables.write(slot, tokens)
        count = len(tokens.prefix)
        embedded = self._weights.embeddings[torch.tensor([tokens.prefix], device=self.device)]
        places = torch.arange(count, device=self.device).expand(3, 1, -1)
        nothing = torch.zeros_like(self._tables.prefix_tokens)
        tree = Tree(torch.full((1,), slot, dtype=torch.int32, device=self.device), nothing, count, 1)
        turns = text_turns(places, self._shape.text)
        read_text(self._model, TextBatch(embedded, turns, tree), self._tables.kept, keep_in=slot)

    @torch.inference_mode()
    def run(self, step: Step, pictures: Tensor, slots: Tensor, marks: StageMarks | None = None) -> Tensor:
        """The logarithm of each answer's probability: batch x questions x 11, fp32.

        Args:
            step: the sizes.
            pictures: batch x 2 (earlier, later) x height x width x 3, uint8, BGR, on the device.
            slots: the sheet of each picture (int32).
            marks: is given the moments "begun", "seen" and "read".

        """
        marks = marks or StageMarks(self.device)
        if self._captures and step not in self._captured:
            self._captured[step] = _Captured(self, step)
        marks.mark("begun")
        if self._captures:
            answers = self._captured[step].run(pictures, slots, marks)
        else:
            seen = self._seen(step, pictures)
            marks.mark("seen")
            answers = self._read(step, seen, slots)
        marks.mark("read")
        return answers

    def prepared(self, step: Step) -> None:
        """Capture a step before it is needed."""
        shape = (step.batch, 2, step.canvas.height_px, step.canvas.width_px, 3)
        pictures = torch.zeros(shape, dtype=torch.uint8, device=self.device)
        self.run(step, pictures, torch.zeros(step.batch, dtype=torch.int32, device=self.device))

    def _seen(self, step: Step, pictures: Tensor) -> SeenPicture:
        if step.canvas not in self._canvases:
            self._canvases[step.canvas] = canvas_tables(step.canvas, self._shape.vision, self._weights.positions)
        tables = self._canvases[step.canvas]
        pixels = patches(pictures, self._shape.vision, self.dtype)
        return see(self._model, pixels, tables)

    def _read(self, step: Step, seen: SeenPicture, slots: Tensor) -> Tensor:
        tables, weights = self._tables, self._weights
        batch, picture = seen.tokens.shape[:2]
        suffix, trunk = tables.suffixes.shape[2], picture + step.tail
        at = slots.long()
        after = torch.cat([tables.tails[at, : step.tail], tables.suffixes[at, : step.questions].flatten(1)], 1)
        tokens = torch.cat([seen.tokens, weights.embeddings[after]], 1)
        places = token_places(step.canvas, self._shape, step.tail, step.questions, suffix, self.device)
        turns = text_turns(places[:, None] + tables.prefix_tokens[at][None, :, None], self._shape.text)
        read = trunk + suffix - 1 + torch.arange(step.questions, device=self.device) * suffix
        tree = Tree(slots, tables.prefix_tokens, trunk, suffix)
        states = read_text(self._model, TextBatch(tokens, turns, tree), tables.kept, deep=seen.deep, read=read)
        logits = functional.linear(states, weights.head).float().view(batch, step.questions, -1)
        labels = tables.labels[at, : step.questions]
        return logits.gather(2, labels) - logits.logsumexp(-1, keepdim=True)


class _Captured:
    """One step as two graphs, vision and language, on inputs and outputs at fixed addresses."""

    def __init__(self, engine: Engine, step: Step) -> None:
        shape = (step.batch, 2, step.canvas.height_px, step.canvas.width_px, 3)
        pictures = torch.zeros(shape, dtype=torch.uint8, device=engine.device)
        self._inputs = _Inputs(pictures, torch.zeros(step.batch, dtype=torch.int32, device=engine.device))
        aside = torch.cuda.Stream(engine.device)
        aside.wait_stream(torch.cuda.current_stream(engine.device))
        with torch.cuda.stream(aside):
            for _ in range(_WARM_UPS):
                engine._read(step, engine._seen(step, pictures), self._inputs.slots)  # noqa: SLF001  the engine's own part
        torch.cuda.current_stream(engine.device).wait_stream(aside)
        self._vision, self._language = torch.cuda.CUDAGraph(), torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._vision, pool=engine._pool):  # noqa: SLF001
            self._seen = engine._seen(step, pictures)  # noqa: SLF001
        with torch.cuda.graph(self._language, pool=engine._pool):  # noqa: SLF001
            self._answers = engine._read(step, self._seen, self._inputs.slots)  # noqa: SLF001

    def run(self, pictures: Tensor, slots: Tensor, marks: StageMarks) -> Tensor:
        self._inputs.pictures.copy_(pictures)
        self._inputs.slots.copy_(slots)
        self._vision.replay()
        marks.mark("seen")
        self._language.replay()
        return self._answers.clone()
