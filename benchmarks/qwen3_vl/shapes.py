"""The real models' sizes with random weights: speed and memory need no trained ones."""

import re
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from watchpost.inference.qwen3_vl.shapes import ModelShape
from watchpost.inference.qwen3_vl.weights import TensorSource

__all__ = ["CONFIGS", "random_tensors"]

_ROPE = {"rope_type": "default", "rope_theta": 5e6, "mrope_section": [24, 20, 20], "mrope_interleaved": True}
_SMALL_TOWER = {
    "depth": 24, "hidden_size": 1024, "intermediate_size": 4096, "num_heads": 16,
    "deepstack_visual_indexes": [5, 11, 17],
}  # fmt: skip
_LARGE_TOWER = {
    "depth": 27, "hidden_size": 1152, "intermediate_size": 4304, "num_heads": 16,
    "deepstack_visual_indexes": [8, 16, 24],
}  # fmt: skip
_TEXT = {"num_attention_heads": 32, "head_dim": 128, "vocab_size": 151936, "rope_parameters": _ROPE}

CONFIGS: Mapping[str, Mapping[str, Any]] = {
    "4b": {
        "model_type": "qwen3_vl",
        "tie_word_embeddings": True,
        "text_config": _TEXT
        | {"hidden_size": 2560, "intermediate_size": 9728, "num_hidden_layers": 36, "num_key_value_heads": 8},
        "vision_config": _SMALL_TOWER | {"out_hidden_size": 2560},
    },
    # to try on a CPU whether the benchmarks run
    "tiny": {
        "model_type": "qwen3_vl",
        "tie_word_embeddings": True,
        "text_config": _TEXT
        | {"hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 3, "num_key_value_heads": 8}
        | {"vocab_size": 4000},
        "vision_config": _SMALL_TOWER
        | {"depth": 3, "hidden_size": 64, "intermediate_size": 64, "num_heads": 4, "out_hidden_size": 64}
        | {"deepstack_visual_indexes": [0, 1]},
    },
    "8b": {
        "model_type": "qwen3_vl",
        "tie_word_embeddings": False,
        "text_config": _TEXT
        | {"hidden_size": 4096, "intermediate_size": 12288, "num_hidden_layers": 36, "num_key_value_heads": 8},
        "vision_config": _LARGE_TOWER | {"out_hidden_size": 4096},
    },
    "30b": {
        "model_type": "qwen3_vl_moe",
        "tie_word_embeddings": False,
        "text_config": _TEXT
        | {"hidden_size": 2048, "num_hidden_layers": 48, "num_key_value_heads": 4, "intermediate_size": 6144}
        | {"num_experts": 128, "num_experts_per_tok": 8, "moe_intermediate_size": 768},
        "vision_config": _LARGE_TOWER | {"out_hidden_size": 2048},
    },
}


def random_tensors(shape: ModelShape, device: torch.device, dtype: torch.dtype) -> TensorSource:
    """Tensors of the checkpoint's names and sizes, drawn when they are asked for."""
    sizes = _text_sizes(shape) | _vision_sizes(shape)

    def tensor(name: str) -> Tensor:
        plain = re.sub(r"\.\d+\.", ".", name.removeprefix("model."))
        size = sizes[plain] if plain in sizes else (sizes[plain.replace(".bias", ".weight")][0],)
        drawn = torch.randn(size, device=device, dtype=dtype) * 0.02
        return drawn + 1 if "norm" in plain and plain.endswith("weight") else drawn

    return tensor


def _text_sizes(shape: ModelShape) -> dict[str, tuple[int, ...]]:
    text = shape.text
    queries, keys = text.heads * text.head_dim, text.kv_heads * text.head_dim
    sizes = {
        "input_layernorm": (text.hidden,),
        "post_attention_layernorm": (text.hidden,),
        "self_attn.q_norm": (text.head_dim,),
        "self_attn.k_norm": (text.head_dim,),
        "self_attn.q_proj": (queries, text.hidden),
        "self_attn.k_proj": (keys, text.hidden),
        "self_attn.v_proj": (keys, text.hidden),
        "self_attn.o_proj": (text.hidden, queries),
        "mlp.gate_proj": (text.intermediate, text.hidden),
        "mlp.up_proj": (text.intermediate, text.hidden),
        "mlp.down_proj": (text.hidden, text.intermediate),
    }
    named: dict[str, tuple[int, ...]] = {f"language_model.layers.{name}.weight": size for name, size in sizes.items()}
    if text.experts is not None:
        count, inner = text.experts.experts, text.experts.intermediate
        named["language_model.layers.mlp.gate.weight"] = (count, text.hidden)
        named["language_model.layers.mlp.experts.gate_up_proj"] = (count, text.hidden, 2 * inner)
        named["language_model.layers.mlp.experts.down_proj"] = (count, inner, text.hidden)
    named["language_model.embed_tokens.weight"] = named["lm_head.weight"] = (text.vocabulary, text.hidden)
    named["language_model.norm.weight"] = (text.hidden,)
    return named


def _vision_sizes(shape: ModelShape) -> dict[str, tuple[int, ...]]:
    vision = shape.vision
    merged = vision.hidden * vision.merge**2
    sizes: dict[str, tuple[int, ...]] = {
        "patch_embed.proj": (vision.hidden, 3, vision.temporal, vision.patch_px, vision.patch_px),
        "pos_embed": (vision.positions, vision.hidden),
        "blocks.norm1": (vision.hidden,),
        "blocks.norm2": (vision.hidden,),
        "blocks.attn.qkv": (3 * vision.hidden, vision.hidden),
        "blocks.attn.proj": (vision.hidden, vision.hidden),
        "blocks.mlp.linear_fc1": (vision.intermediate, vision.hidden),
        "blocks.mlp.linear_fc2": (vision.hidden, vision.intermediate),
    }
    for merger, normed in (("merger", vision.hidden), ("deepstack_merger_list", merged)):
        sizes[f"{merger}.norm"] = (normed,)
        sizes[f"{merger}.linear_fc1"] = (merged, merged)
        sizes[f"{merger}.linear_fc2"] = (vision.out_hidden, merged)
    return {f"visual.{name}.weight": size for name, size in sizes.items()}
