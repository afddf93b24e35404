"""The one pass that answers all questions of a picture: vision tower, then text model, then the answers' rows."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from watchpost.inference.qwen3_vl.operations import KeptKeys, Operations, Tree
from watchpost.inference.qwen3_vl.places import CanvasTables
from watchpost.inference.qwen3_vl.shapes import ModelShape
from watchpost.inference.qwen3_vl.weights import ModelWeights

__all__ = ["Model", "SeenPicture", "TextBatch", "Turns", "read_text", "see", "stream_dtype"]

Turns = tuple[Tensor, Tensor]


@dataclass(frozen=True, slots=True)
class Model:
    """What a pass needs of the model."""

    weights: ModelWeights
    shape: ModelShape
    operations: Operations


@dataclass(frozen=True, slots=True)
class TextBatch:
    """Embedded tokens (batch x tokens x hidden), their turns (batch x tokens x half the head_dim), who sees whom."""

    tokens: Tensor
    turns: Turns
    tree: Tree


@dataclass(frozen=True, slots=True)
class SeenPicture:
    """What the vision tower gives of a batch: tokens, and what is added to them after the first text layers."""

    tokens: Tensor
    deep: tuple[Tensor, ...]


def stream_dtype(dtype: torch.dtype) -> torch.dtype:
    """The residual stream's type. Qwen was trained in bf16: its largest values may not fit into fp16."""
    return torch.float32 if dtype is torch.float16 else dtype


def see(model: Model, patches: Tensor, tables: CanvasTables) -> SeenPicture:
    """The vision tower: batch x patches x pixels -> batch x tokens x out_hidden."""
    weights, vision, operations = model.weights, model.shape.vision, model.operations
    scaled = weights.vision_scaled
    batch, count, _ = patches.shape
    stream = functional.linear(patches, *weights.patch) + tables.positions
    stream = stream.view(batch * count, vision.hidden).to(stream_dtype(patches.dtype))
    merged = vision.hidden * vision.merge**2
    delta: Tensor | None = None
    deep = []
    for index, block in enumerate(weights.blocks):
        qkv = block.qkv(operations.layer_norm(stream, delta, block.norm1.weight, block.norm1.bias, scaled=scaled))
        qkv = qkv.view(batch, count, 3, vision.heads, -1)
        operations.rotate_vision(qkv, tables.cosines, tables.sines)
        attended = operations.vision_attention(qkv)
        delta = block.out(operations.scale(attended) if scaled else attended)
        normed = operations.layer_norm(stream, delta, block.norm2.weight, block.norm2.bias, scaled=scaled)
        delta = block.down(operations.gelu_product(block.up, normed, scaled=scaled))
        if index in vision.deepstack:
            merger = weights.deepstack[vision.deepstack.index(index)]
            deep.append(merger(stream + delta, merged, operations, scaled=scaled).view(batch, -1, vision.out_hidden))
    last = stream if delta is None else stream + delta
    tokens = weights.merger(last, merged, operations, scaled=scaled).view(batch, -1, vision.out_hidden)
    return SeenPicture(tokens, tuple(deep))


def read_text(
    model: Model,
    batch: TextBatch,
    kept: Sequence[KeptKeys],
    *,
    deep: Sequence[Tensor] = (),
    read: Tensor | None = None,
    keep_in: int | None = None,
) -> Tensor:
    """The normed states of the tokens that are read: (batch · read) x hidden.

    Args:
        model: the model.
        batch: the tokens.
        kept: each layer's kept keys and values.
        deep: what is added to the first tokens after each of the first layers.
        read: which tokens are read (all unless given): after the last layer's attention only those go on.
        keep_in: the slot into which the keys and values of a prefix are written.

    """
    weights, text, operations = model.weights, model.shape.text, model.operations
    scaled, mlp_scaled = weights.text_scaled, weights.text_scaled and text.experts is None
    size, count, hidden = batch.tokens.shape
    stream = batch.tokens.reshape(size * count, hidden).to(stream_dtype(batch.tokens.dtype))
    delta: Tensor | None = None
    for index, layer in enumerate(weights.each_layer()):
        qkv = layer.qkv(operations.rms_norm(stream, delta, layer.input_norm, text.norm_eps, scaled=scaled))
        qkv = qkv.view(size, count, -1, text.head_dim)
        operations.rotate_text(qkv, (layer.q_norm, layer.k_norm), text.norm_eps, batch.turns, text.kv_heads)
        if keep_in is not None:
            _keep(qkv, kept[index], keep_in, text.kv_heads)
        attended = operations.tree_attention(qkv, kept[index], batch.tree)
        if index == text.layers - 1 and read is not None:
            stream, attended = (x.view(size, count, -1)[:, read].flatten(0, 1) for x in (stream, attended))
        delta = layer.out(operations.scale(attended) if scaled else attended)
        normed = operations.rms_norm(stream, delta, layer.post_norm, text.norm_eps, scaled=mlp_scaled)
        delta = layer.mlp(normed, operations)
        if index < len(deep):
            stream.view(size, count, hidden)[:, : deep[index].shape[1]] += deep[index]
    normed = operations.rms_norm(stream, delta, weights.norm, text.norm_eps, scaled=False)
    assert isinstance(normed, Tensor)  # noqa: S101  not scaled
    return normed


def _keep(qkv: Tensor, kept: KeptKeys, slot: int, kv_heads: int) -> None:
    count = qkv.shape[1]
    kept.keys[slot, :, :count] = qkv[0, :, -2 * kv_heads : -kv_heads].transpose(0, 1)
    kept.values[slot, :, :count] = qkv[0, :, -kv_heads:].transpose(0, 1)
