"""What a model needs of a card's memory, computed before it is loaded: a refusal with numbers beats a crash."""

import math
from dataclasses import dataclass

from watchpost.errors import ConfigError
from watchpost.inference.qwen3_vl.places import Canvas
from watchpost.inference.qwen3_vl.projections import Precision
from watchpost.inference.qwen3_vl.shapes import ModelShape

__all__ = ["MemoryNeed", "check_fits", "layers_on_card", "memory_need"]

_WEIGHT_BYTES = {
    Precision.FP32: 4.0,
    Precision.BF16: 2.0,
    Precision.FP16: 2.0,
    # and a factor a row
    Precision.FP8: 1.002,
    Precision.INT8: 1.002,
    # and, of each 64 numbers, a factor in 8 bits with factors of its own
    Precision.NF4: 0.516,
}
_MARGIN = 1.5
"""Measured on an H200 (4B and 8B, three batches): peaks were 0.7 to 0.9 of what is computed with it."""
_BESIDE_BYTES = 800_000_000
"""What nothing lies in: pieces between tensors, the libraries' room to work in. An H200 (4B, batches of 4) held 0.3 GB
(16 bits) to 0.65 GB (nf4) more than all tensors need, and 4B in 8 bits did not get by with 0.2 GB."""


@dataclass(frozen=True, slots=True)
class MemoryNeed:
    """In bytes: weights, keys and values that are kept, and what a pass over a full batch takes up beside them."""

    weights: int
    kept: int
    passing: int

    @property
    def total(self) -> int:
        """All of it."""
        return self.weights + self.kept + self.passing


def memory_need(shape: ModelShape, precision: Precision, canvas: Canvas, batch: int, kept_tokens: int) -> MemoryNeed:
    """What a model needs for batches of `batch` pictures of this canvas, with `kept_tokens` of prefixes kept."""
    vision, text = shape.vision, shape.text
    patches = batch * canvas.width_px * canvas.height_px // vision.patch_px**2
    tokens = batch * (canvas.width_px * canvas.height_px // (vision.patch_px * vision.merge) ** 2 + 64)
    of_vision = patches * (
        2 * (9 * vision.hidden + vision.intermediate) + 10 * 3 * vision.temporal * vision.patch_px**2
    )
    # computed for 16 bits
    wider = _plain_bytes(precision) / 2
    widest = text.intermediate if text.experts is None else text.experts.chosen * text.experts.intermediate
    of_text = tokens * 2 * (3 * widest + 4 * text.hidden)
    return MemoryNeed(
        weights=round(_weights_bytes(shape, precision)),
        kept=round(wider * kept_tokens * text.layers * 2 * text.kv_heads * text.head_dim * 2),
        passing=round(wider * _MARGIN * max(of_vision, of_text)) + _BESIDE_BYTES,
    )


def layers_on_card(shape: ModelShape, precision: Precision, need: MemoryNeed, free_bytes: int) -> int | None:
    """How many of the text layers lie on the card where the others may lie in the machine's memory (`offload: cpu`).

    None where it would not help: not even all of them make room enough, or the precision is nf4, whose weights stay.
    """
    over, layers = need.total - free_bytes, shape.text.layers
    if over <= 0:
        return layers
    # two of those that are away lie there at once: the one in use, and the next while it comes
    away = math.ceil(over / _layer_bytes(shape, precision)) + 2
    return layers - away if away <= layers and precision is not Precision.NF4 else None


def check_fits(
    name: str, device: str, needs: dict[str, MemoryNeed], asked: str, free_bytes: int, *, could_offload: bool = False
) -> None:
    """Raise ConfigError, with numbers and what would fit, unless the asked precision's need is free on the card."""
    need = needs[asked]
    if need.total <= free_bytes:
        return
    smaller = [f"{other} ({_gb(it.total)})" for other, it in needs.items() if it.total <= free_bytes]
    ways = [f"use {' or '.join(smaller)}"] if smaller else ["use a smaller model, or a smaller inference.batch"]
    if could_offload:
        ways.append("set model_params.offload: cpu")
    parts = f"weights {_gb(need.weights)}, kept keys {_gb(need.kept)}, a full batch {_gb(need.passing)}"
    raise ConfigError(
        "model_params.model",
        f"{name} in {asked} needs {_gb(need.total)} ({parts}), and {device} has {_gb(free_bytes)} free",
        ", or ".join(ways),
    )


def _weights_bytes(shape: ModelShape, precision: Precision) -> float:
    vision, text = shape.vision, shape.text
    merged = vision.hidden * vision.merge**2
    tower = vision.depth * (4 * vision.hidden**2 + 2 * vision.hidden * vision.intermediate)
    tower += (1 + len(vision.deepstack)) * (merged * merged + merged * vision.out_hidden)
    tower += vision.positions * vision.hidden + 3 * vision.temporal * vision.patch_px**2 * vision.hidden
    plain = _plain_bytes(precision)
    words = text.vocabulary * text.hidden * (1 if shape.tied else 2) * plain
    layers = text.layers * _layer_bytes(shape, precision)
    return layers + words + tower * (plain if precision.keeps_vision else _WEIGHT_BYTES[precision])


def _layer_bytes(shape: ModelShape, precision: Precision) -> float:
    text, packed = shape.text, _WEIGHT_BYTES[precision]
    attention = text.hidden * text.head_dim * 2 * (text.heads + text.kv_heads)
    if text.experts is None:
        return (attention + 3 * text.hidden * text.intermediate) * packed
    experts = text.experts.experts * (3 * text.hidden * text.experts.intermediate + text.hidden)
    return attention * packed + experts * _plain_bytes(precision)


def _plain_bytes(precision: Precision) -> float:
    return 4.0 if precision is Precision.FP32 else 2.0


def _gb(count: int) -> str:
    return f"{count / 1e9:.1f} GB"
