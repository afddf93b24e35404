"""Takes a model's tensors one layer at a time and packs them for the forward pass, so that no layer lies twice."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, TypeVar

import torch
from torch import Tensor
from torch.nn import functional

from watchpost.inference.qwen3_vl.experts import Experts
from watchpost.inference.qwen3_vl.operations import Operations
from watchpost.inference.qwen3_vl.projections import Activations, Precision, Projection, pack
from watchpost.inference.qwen3_vl.shapes import ModelShape

__all__ = ["Merger", "Mlp", "ModelWeights", "Norm", "TensorSource", "TextLayer", "VisionBlock", "load_weights", "moved"]

_Part = TypeVar("_Part", bound=Any)
TensorSource = Callable[[str], Tensor]
"""A tensor by its name in the checkpoint, on the device and in the type that the products take it from."""


@dataclass(frozen=True, slots=True)
class Norm:
    """A layer norm's weight and bias."""

    weight: Tensor
    bias: Tensor


@dataclass(frozen=True, slots=True)
class VisionBlock:
    """One block of the vision tower."""

    norm1: Norm
    norm2: Norm
    qkv: Projection
    out: Projection
    up: Projection
    down: Projection


@dataclass(frozen=True, slots=True)
class Merger:
    """Makes one token of `merge` by `merge` patches. `after`: whether the norm is over the merged patches."""

    norm: Norm
    up: Projection
    down: Projection
    after: bool

    def __call__(self, stream: Tensor, merged: int, operations: Operations, *, scaled: bool) -> Tensor:
        """Patches (rows x hidden) -> tokens (rows / merge² x out_hidden)."""
        width = self.norm.weight.numel()
        normed = functional.layer_norm(
            stream.reshape(-1, width).to(self.norm.weight.dtype), (width,), self.norm.weight, self.norm.bias, 1e-6
        )
        hidden = functional.gelu(self.up(_as_wanted(normed.view(-1, merged), operations, scaled=scaled)))
        return self.down(_as_wanted(hidden, operations, scaled=scaled))


@dataclass(frozen=True, slots=True)
class Mlp:
    """A gated feed-forward network."""

    gate_up: Projection
    down: Projection
    scaled: bool

    def __call__(self, activations: Activations, operations: Operations) -> Tensor:
        """Rows x hidden -> rows x hidden."""
        return self.down(operations.silu_gate(self.gate_up(activations), scaled=self.scaled))


@dataclass(frozen=True, slots=True)
class TextLayer:
    """One layer of the text model."""

    input_norm: Tensor
    post_norm: Tensor
    q_norm: Tensor
    k_norm: Tensor
    qkv: Projection
    out: Projection
    mlp: "Mlp | Experts"


@dataclass(frozen=True, slots=True)
class ModelWeights:
    """The whole model. `head` is read by rows: vocabulary x hidden.

    The first `resident` of the layers lie on the device, the others in the machine's memory.
    """

    patch: tuple[Tensor, Tensor]
    positions: Tensor
    blocks: tuple[VisionBlock, ...]
    merger: Merger
    deepstack: tuple[Merger, ...]
    embeddings: Tensor
    layers: tuple[TextLayer, ...]
    norm: Tensor
    head: Tensor
    vision_scaled: bool
    text_scaled: bool
    resident: int

    def each_layer(self) -> Iterator[TextLayer]:
        """The layers on the device, in their order. Those that lie elsewhere come for their turn alone."""
        for index, layer in enumerate(self.layers):
            yield layer if index < self.resident else moved(layer, self.embeddings.device)


def moved(part: _Part, device: torch.device) -> _Part:
    """The same part with its tensors on a device."""
    there = {field.name: _moved_field(getattr(part, field.name), device) for field in fields(part)}
    return replace(part, **there)


def load_weights(
    tensor: TensorSource, shape: ModelShape, precision: Precision, plain: Precision, resident: int | None = None
) -> ModelWeights:
    """Pack everything.

    Args:
        tensor: where the tensors come from.
        shape: the model's sizes.
        precision: of the products.
        plain: the precision of what `precision` leaves alone (`Precision.keeps_vision`).
        resident: how many text layers lie on the device, all unless given.

    """
    resident = shape.text.layers if resident is None else resident

    def layer(index: int) -> TextLayer:
        loaded = _layer(tensor, f"model.language_model.layers.{index}.", shape, precision)
        return loaded if index < resident else moved(loaded, torch.device("cpu"))

    visual = plain if precision.keeps_vision else precision
    embeddings = tensor("model.language_model.embed_tokens.weight")
    with torch.no_grad():
        return ModelWeights(
            patch=(
                tensor("model.visual.patch_embed.proj.weight").flatten(1),
                tensor("model.visual.patch_embed.proj.bias"),
            ),
            positions=tensor("model.visual.pos_embed.weight"),
            blocks=tuple(_block(tensor, f"model.visual.blocks.{i}.", visual) for i in range(shape.vision.depth)),
            merger=_merger(tensor, "model.visual.merger.", visual, after=False),
            deepstack=tuple(
                _merger(tensor, f"model.visual.deepstack_merger_list.{i}.", visual, after=True)
                for i in range(len(shape.vision.deepstack))
            ),
            embeddings=embeddings,
            layers=tuple(layer(i) for i in range(shape.text.layers)),
            norm=tensor("model.language_model.norm.weight"),
            head=embeddings if shape.tied else tensor("lm_head.weight"),
            vision_scaled=visual.scales_activations,
            text_scaled=precision.scales_activations,
            resident=resident,
        )


def _moved_field(value: object, device: torch.device) -> object:
    if isinstance(value, Tensor):
        return value.to(device)
    return moved(value, device) if is_dataclass(value) and not isinstance(value, type) else value


def _as_wanted(x: Tensor, operations: Operations, *, scaled: bool) -> Activations:
    return operations.scale(x) if scaled else x


def _norm(tensor: TensorSource, name: str) -> Norm:
    return Norm(tensor(f"{name}.weight"), tensor(f"{name}.bias"))


def _biased(tensor: TensorSource, name: str, precision: Precision) -> Projection:
    return pack([tensor(f"{name}.weight")], tensor(f"{name}.bias"), precision)


def _block(tensor: TensorSource, at: str, precision: Precision) -> VisionBlock:
    return VisionBlock(
        norm1=_norm(tensor, f"{at}norm1"),
        norm2=_norm(tensor, f"{at}norm2"),
        qkv=_biased(tensor, f"{at}attn.qkv", precision),
        out=_biased(tensor, f"{at}attn.proj", precision),
        up=_biased(tensor, f"{at}mlp.linear_fc1", precision),
        down=_biased(tensor, f"{at}mlp.linear_fc2", precision),
    )


def _merger(tensor: TensorSource, at: str, precision: Precision, *, after: bool) -> Merger:
    return Merger(
        norm=_norm(tensor, f"{at}norm"),
        up=_biased(tensor, f"{at}linear_fc1", precision),
        down=_biased(tensor, f"{at}linear_fc2", precision),
        after=after,
    )


def _layer(tensor: TensorSource, at: str, shape: ModelShape, precision: Precision) -> TextLayer:
    def packed(names: Sequence[str]) -> Projection:
        return pack([tensor(f"{at}{name}.weight") for name in names], None, precision)

    experts = shape.text.experts
    return TextLayer(
        input_norm=tensor(f"{at}input_layernorm.weight"),
        post_norm=tensor(f"{at}post_attention_layernorm.weight"),
        q_norm=tensor(f"{at}self_attn.q_norm.weight"),
        k_norm=tensor(f"{at}self_attn.k_norm.weight"),
        qkv=packed(["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"]),
        out=packed(["self_attn.o_proj"]),
        mlp=Mlp(
            packed(["mlp.gate_proj", "mlp.up_proj"]), packed(["mlp.down_proj"]), scaled=precision.scales_activations
        )
        if experts is None
        else Experts(
            router=tensor(f"{at}mlp.gate.weight"),
            gate_up=_inputs_first(tensor(f"{at}mlp.experts.gate_up_proj"), shape.text.hidden),
            down=_inputs_first(tensor(f"{at}mlp.experts.down_proj"), experts.intermediate),
            chosen=experts.chosen,
        ),
    )


def _inputs_first(experts: Tensor, inputs: int) -> Tensor:
    """Experts x inputs x outputs: published checkpoints have them so, those that transformers 5 writes turned round."""
    return experts if experts.shape[1] == inputs else experts.transpose(1, 2).contiguous()
