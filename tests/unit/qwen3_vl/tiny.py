"""A tiny Qwen3-VL with random weights: the library's own, which says what ours must say."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import (
    Qwen3VLConfig,
    Qwen3VLForConditionalGeneration,
    Qwen3VLMoeConfig,
    Qwen3VLMoeForConditionalGeneration,
)

from watchpost.inference.qwen3_vl.forward import Model
from watchpost.inference.qwen3_vl.operations import TorchOperations
from watchpost.inference.qwen3_vl.projections import Precision
from watchpost.inference.qwen3_vl.shapes import ModelShape
from watchpost.inference.qwen3_vl.weights import load_weights

__all__ = ["Tiny", "tiny"]

_TEXT = {
    "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 4, "num_attention_heads": 4,
    "num_key_value_heads": 2, "head_dim": 16, "vocab_size": 151936,
    "rope_parameters": {
        "rope_type": "default", "rope_theta": 5e6, "mrope_interleaved": True, "mrope_section": [4, 2, 2],
    },
}  # fmt: skip
_VISION = {
    "depth": 4, "hidden_size": 32, "intermediate_size": 64, "num_heads": 2, "out_hidden_size": 64,
    "deepstack_visual_indexes": [1, 2],
}  # fmt: skip
_EXPERTS = {"num_experts": 8, "num_experts_per_tok": 2, "moe_intermediate_size": 48}


@dataclass(frozen=True)
class Tiny:
    """The library's model, and ours with the same weights."""

    library: Any
    config: Any
    model: Model


def tiny(*, experts: bool = False) -> Tiny:
    """Built anew, always with the same weights, in fp32 on the CPU."""
    torch.manual_seed(1)
    if experts:
        config: Any = Qwen3VLMoeConfig(text_config=_TEXT | _EXPERTS, vision_config=_VISION, tie_word_embeddings=False)
        library: Any = Qwen3VLMoeForConditionalGeneration(config).eval()
    else:
        config = Qwen3VLConfig(text_config=_TEXT, vision_config=_VISION, tie_word_embeddings=True)
        library = Qwen3VLForConditionalGeneration(config).eval()
    for parameter in library.parameters():
        drawn = torch.randn_like(parameter)
        parameter.data = drawn * 0.08 if parameter.dim() > 1 else parameter.data + drawn * 0.05
    tensors = library.state_dict()

    def tensor(name: str) -> Tensor:
        # the library turns experts round when it reads a checkpoint
        found: Tensor = tensors[name].clone()
        return found.transpose(1, 2).contiguous() if ".experts." in name else found

    shape = ModelShape.from_config(config.to_dict())
    weights = load_weights(tensor, shape, Precision.FP32, Precision.FP32)
    return Tiny(library, config, Model(weights, shape, TorchOperations()))
