"""A scorer of the real sizes with random weights, and what one of its passes costs."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from benchmarks.qwen3_vl.shapes import CONFIGS, random_tensors
from watchpost.inference.questions import COUNT_PEOPLE, AskedQuestion, QuestionSheet
from watchpost.inference.qwen3_vl.engine import Engine, Step
from watchpost.inference.qwen3_vl.forward import Model
from watchpost.inference.qwen3_vl.operations import Operations, TorchOperations
from watchpost.inference.qwen3_vl.places import Canvas
from watchpost.inference.qwen3_vl.projections import Precision, sixteen_bits
from watchpost.inference.qwen3_vl.scorer import SLOTS, Qwen3VlScorer
from watchpost.inference.qwen3_vl.shapes import ModelShape
from watchpost.inference.qwen3_vl.slots import SlotTables
from watchpost.inference.qwen3_vl.weights import load_weights
from watchpost.inference.scorer import ScorerIdentity

__all__ = ["SHEET", "Built", "build", "device", "flops_per_picture"]

SHEET = QuestionSheet(
    (
        COUNT_PEOPLE,
        AskedQuestion("fall", "Does a person lie on the ground or floor, as after a fall?"),
        AskedQuestion("ladder", "Does somebody stand on a ladder?"),
        AskedQuestion("door", "Is the door to the yard open?"),
        AskedQuestion("vest", "Is there a person without a high-visibility vest?"),
        AskedQuestion("smoke", "Is there smoke or fire?"),
    )
)
"""Six questions a picture, as in the trials that the goals come from."""
_PREFIX, _TAIL, _SUFFIX = 120, 6, 2


@dataclass(frozen=True, slots=True)
class Built:
    """A scorer, and how it came to be."""

    scorer: Qwen3VlScorer
    engine: Engine
    shape: ModelShape
    precision: Precision
    weights_gb: float
    build_s: float

    def alone_ms(self, canvas: Canvas, batch: int) -> float:
        """One batch from pictures on the device to answers on the device, nothing beside it: the median of 20."""
        sizes = (batch, 2, canvas.height_px, canvas.width_px, 3)
        pictures = torch.randint(0, 256, sizes, dtype=torch.uint8, device=device())
        slots = torch.zeros(batch, dtype=torch.int32, device=device())
        step = Step(canvas, batch, _TAIL, len(SHEET.questions))
        took = []
        for _ in range(20):
            started = time.perf_counter()
            self.engine.run(step, pictures, slots).cpu()
            took.append((time.perf_counter() - started) * 1e3)
        return round(sorted(took)[10], 2)


def device() -> torch.device:
    """The card, else the CPU: then only whether all runs can be tried."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def build(name: str, precision: Precision, canvases: Sequence[Canvas]) -> Built:
    """A model of `CONFIGS` on the device."""
    started, on = time.perf_counter(), device()
    gpu = on.type == "cuda"
    dtype = sixteen_bits(precision, has_bf16=True)
    shape = ModelShape.from_config(CONFIGS[name])
    before = torch.cuda.memory_allocated() if gpu else 0
    plain = {torch.float16: Precision.FP16, torch.bfloat16: Precision.BF16}.get(dtype, Precision.FP32)
    weights = load_weights(random_tensors(shape, on, dtype), shape, precision, plain)
    weights_bytes = torch.cuda.memory_allocated() - before if gpu else 0
    tables = SlotTables.empty(shape.text, SLOTS, 256, _SUFFIX, on, dtype)
    engine = Engine(Model(weights, shape, _operations(gpu=gpu)), tables, captures=gpu)
    scorer = Qwen3VlScorer(engine, _tokenize(shape), ScorerIdentity(name, precision, "random"), canvases)
    return Built(scorer, engine, shape, precision, weights_bytes / 1e9, time.perf_counter() - started)


def flops_per_picture(shape: ModelShape, canvas: Canvas) -> float:
    """Of the products and of the attention that causality leaves; two a multiplication with its addition."""
    vision, text = shape.vision, shape.text
    patches = canvas.width_px * canvas.height_px // vision.patch_px**2
    tokens = patches // vision.merge**2
    new = tokens + _TAIL + _SUFFIX * len(SHEET.questions)
    block = vision.hidden * 4 * vision.hidden + 2 * vision.hidden * vision.intermediate
    merged = vision.hidden * vision.merge**2
    merger = merged * merged + merged * vision.out_hidden
    experts = text.experts
    wide = text.intermediate if experts is None else experts.chosen * experts.intermediate
    layer = text.hidden * text.head_dim * (2 * text.heads + 2 * text.kv_heads) + 3 * text.hidden * wide
    products = patches * block * vision.depth + tokens * merger * (1 + len(vision.deepstack))
    seen = 2 * patches**2 * vision.hidden * vision.depth
    read = 2 * new * (_PREFIX + new / 2) * text.heads * text.head_dim * text.layers
    return 2.0 * (products + new * layer * text.layers + seen + read)


def _operations(*, gpu: bool) -> Operations:
    if not gpu:
        return TorchOperations()
    from watchpost.inference.qwen3_vl.kernels.operations import TritonOperations  # noqa: PLC0415  needs a GPU

    return TritonOperations()


def _tokenize(shape: ModelShape) -> "_Tokenizer":
    return _Tokenizer(shape.text.vocabulary)


@dataclass(frozen=True, slots=True)
class _Tokenizer:
    """Stands in for the model's own: as many tokens as Qwen's makes of these texts, and as distinct."""

    vocabulary: int

    def __call__(self, text: str) -> list[int]:
        count = _TAIL if text == SHEET.tail else _PREFIX if text == SHEET.prefix else _SUFFIX if "=" in text else 1
        seed = sum(ord(letter) * (index + 1) for index, letter in enumerate(text[:99]))
        return [(seed + 17 * index) % self.vocabulary for index in range(count)]
