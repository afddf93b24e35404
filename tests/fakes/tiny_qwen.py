"""A Qwen3-VL small enough for a CPU: files as published, a real tokenizer, random weights; broken ones too.

write_tiny_qwen(models_dir / "qwen3-vl-4b")
write_broken_qwen(models_dir / "qwen3-vl-8b", Fault.SHARD_MISSING)

What it says means nothing; that all of a picture and of the questions reaches it is what a test can see. Needs neither
torch nor tokenizers: what only looks at files is tried where they are not installed.
"""

import json
from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, assert_never

import numpy as np

from tests.fakes.tiny_tokenizer import token_id, write_tokenizer

__all__ = ["Fault", "write_broken_qwen", "write_tiny_qwen"]

_HIDDEN, _INNER, _LAYERS, _HEADS, _KEY_HEADS, _HEAD_DIM = 64, 96, 4, 4, 2, 16
_VOCABULARY = 512
_EXPERTS, _CHOSEN, _EXPERT_INNER = 8, 2, 48
_DEPTH, _VISION_HIDDEN, _VISION_INNER, _POSITIONS, _DEEPSTACK = 4, 32, 64, 2304, (1, 2)
_MERGED = 4 * _VISION_HIDDEN
_INDEX, _SINGLE = "model.safetensors.index.json", "model.safetensors"

_Shapes = dict[str, tuple[int, ...]]


class Fault(StrEnum):
    """What is wrong with a directory."""

    SHARD_MISSING = "shard_missing"
    WEIGHTS_CUT_SHORT = "weights_cut_short"
    OTHER_ARCHITECTURE = "other_architecture"
    ANSWER_SPLIT = "answer_split"
    """Its tokenizer makes several tokens of "Yes"."""


def write_tiny_qwen(directory: Path, *, experts: bool = False, whole_words: bool = True, shards: int = 1) -> None:
    """Write the model, always the same one.

    Args:
        directory: where; made if need be.
        experts: a mixture of experts, as the 30B model is.
        whole_words: whether the answers' words are one token each, as they must be.
        shards: how many files of weights; from two on with an index.

    """
    directory.mkdir(parents=True, exist_ok=True)
    _write_json(directory / "config.json", _config(experts=experts))
    _write_weights(directory, _shapes(experts=experts), shards)
    write_tokenizer(directory, whole_words=whole_words)
    pictures = {
        "size": {"shortest_edge": 4096, "longest_edge": 262144},
        "patch_size": 16, "temporal_patch_size": 2, "merge_size": 2,
        "image_mean": [0.5] * 3, "image_std": [0.5] * 3, "processor_class": "Qwen3VLProcessor",
    }  # fmt: skip
    _write_json(
        directory / "preprocessor_config.json", pictures | {"image_processor_type": "Qwen2VLImageProcessorFast"}
    )
    _write_json(
        directory / "video_preprocessor_config.json", pictures | {"video_processor_type": "Qwen3VLVideoProcessor"}
    )
    ends = {"eos_token_id": token_id("<|im_end|>"), "pad_token_id": token_id("<|endoftext|>")}
    _write_json(directory / "generation_config.json", ends)


def write_broken_qwen(directory: Path, fault: Fault) -> None:
    """Write a model with one thing wrong."""
    write_tiny_qwen(directory, whole_words=fault is not Fault.ANSWER_SPLIT, shards=2)
    last = directory / "model-00002-of-00002.safetensors"
    match fault:
        case Fault.SHARD_MISSING:
            last.unlink()
        case Fault.WEIGHTS_CUT_SHORT:
            last.write_bytes(last.read_bytes()[:-100])
        case Fault.OTHER_ARCHITECTURE:
            other = {"architectures": ["LlavaForConditionalGeneration"], "model_type": "llava"}
            _write_json(directory / "config.json", _config(experts=False) | other)
        case Fault.ANSWER_SPLIT:
            pass
        case _:
            assert_never(fault)


def _config(*, experts: bool) -> dict[str, Any]:
    kind = "qwen3_vl_moe" if experts else "qwen3_vl"
    text = {
        "model_type": f"{kind}_text", "hidden_size": _HIDDEN, "intermediate_size": _INNER,
        "num_hidden_layers": _LAYERS, "num_attention_heads": _HEADS, "num_key_value_heads": _KEY_HEADS,
        "head_dim": _HEAD_DIM, "vocab_size": _VOCABULARY, "max_position_embeddings": 4096, "rms_norm_eps": 1e-6,
        "hidden_act": "silu", "attention_bias": False, "rope_theta": 5_000_000, "dtype": "float32",
        "rope_scaling": {"rope_type": "default", "mrope_interleaved": True, "mrope_section": [4, 2, 2]},
    }  # fmt: skip
    if experts:
        text |= {"num_experts": _EXPERTS, "num_experts_per_tok": _CHOSEN, "moe_intermediate_size": _EXPERT_INNER}
        text |= {"decoder_sparse_step": 1, "mlp_only_layers": [], "norm_topk_prob": True}
    vision = {
        "model_type": kind, "depth": _DEPTH, "hidden_size": _VISION_HIDDEN, "intermediate_size": _VISION_INNER,
        "num_heads": 2, "out_hidden_size": _HIDDEN, "deepstack_visual_indexes": list(_DEEPSTACK), "in_channels": 3,
        "patch_size": 16, "spatial_merge_size": 2, "temporal_patch_size": 2, "num_position_embeddings": _POSITIONS,
        "hidden_act": "gelu_pytorch_tanh",
    }  # fmt: skip
    return {
        "architectures": [f"Qwen3VL{'Moe' if experts else ''}ForConditionalGeneration"],
        "model_type": kind,
        "image_token_id": token_id("<|image_pad|>"),
        "video_token_id": token_id("<|video_pad|>"),
        "vision_start_token_id": token_id("<|vision_start|>"),
        "vision_end_token_id": token_id("<|vision_end|>"),
        "text_config": text,
        "vision_config": vision,
        "tie_word_embeddings": not experts,
    }


def _shapes(*, experts: bool) -> _Shapes:
    text: _Shapes = {"embed_tokens.weight": (_VOCABULARY, _HIDDEN), "norm.weight": (_HIDDEN,)}
    for index in range(_LAYERS):
        text |= {f"layers.{index}.{name}": shape for name, shape in _layer(experts=experts).items()}
    vision: _Shapes = {
        "patch_embed.proj.weight": (_VISION_HIDDEN, 3, 2, 16, 16),
        "patch_embed.proj.bias": (_VISION_HIDDEN,),
        "pos_embed.weight": (_POSITIONS, _VISION_HIDDEN),
    }
    for index in range(_DEPTH):
        vision |= {f"blocks.{index}.{name}": shape for name, shape in _block().items()}
    vision |= {f"merger.{name}": shape for name, shape in _merger(_VISION_HIDDEN).items()}
    for index in range(len(_DEEPSTACK)):
        vision |= {f"deepstack_merger_list.{index}.{name}": shape for name, shape in _merger(_MERGED).items()}
    head: _Shapes = {"lm_head.weight": (_VOCABULARY, _HIDDEN)} if experts else {}
    return (
        {f"model.language_model.{name}": shape for name, shape in text.items()}
        | {f"model.visual.{name}": shape for name, shape in vision.items()}
        | head
    )


def _layer(*, experts: bool) -> _Shapes:
    queries, keys = _HEADS * _HEAD_DIM, _KEY_HEADS * _HEAD_DIM
    attention: _Shapes = {
        "input_layernorm.weight": (_HIDDEN,),
        "post_attention_layernorm.weight": (_HIDDEN,),
        "self_attn.q_norm.weight": (_HEAD_DIM,),
        "self_attn.k_norm.weight": (_HEAD_DIM,),
        "self_attn.q_proj.weight": (queries, _HIDDEN),
        "self_attn.k_proj.weight": (keys, _HIDDEN),
        "self_attn.v_proj.weight": (keys, _HIDDEN),
        "self_attn.o_proj.weight": (_HIDDEN, queries),
    }
    if not experts:
        return attention | {
            "mlp.gate_proj.weight": (_INNER, _HIDDEN),
            "mlp.up_proj.weight": (_INNER, _HIDDEN),
            "mlp.down_proj.weight": (_HIDDEN, _INNER),
        }
    # as the 30B model is published: inputs before outputs, the other way round than any linear layer
    return attention | {
        "mlp.gate.weight": (_EXPERTS, _HIDDEN),
        "mlp.experts.gate_up_proj": (_EXPERTS, _HIDDEN, 2 * _EXPERT_INNER),
        "mlp.experts.down_proj": (_EXPERTS, _EXPERT_INNER, _HIDDEN),
    }


def _block() -> _Shapes:
    return {
        **_biased("norm1", (_VISION_HIDDEN,)),
        **_biased("norm2", (_VISION_HIDDEN,)),
        **_biased("attn.qkv", (3 * _VISION_HIDDEN, _VISION_HIDDEN)),
        **_biased("attn.proj", (_VISION_HIDDEN, _VISION_HIDDEN)),
        **_biased("mlp.linear_fc1", (_VISION_INNER, _VISION_HIDDEN)),
        **_biased("mlp.linear_fc2", (_VISION_HIDDEN, _VISION_INNER)),
    }


def _merger(normed: int) -> _Shapes:
    return {
        **_biased("norm", (normed,)),
        **_biased("linear_fc1", (_MERGED, _MERGED)),
        **_biased("linear_fc2", (_HIDDEN, _MERGED)),
    }


def _biased(name: str, shape: tuple[int, ...]) -> _Shapes:
    return {f"{name}.weight": shape, f"{name}.bias": shape[:1]}


def _write_weights(directory: Path, shapes: _Shapes, shards: int) -> None:
    drawn = dict(_drawn(shapes))
    if shards == 1:
        _write_safetensors(directory / _SINGLE, drawn)
        return
    names = sorted(drawn)
    files = {
        name: f"model-{1 + number * shards // len(names):05}-of-{shards:05}.safetensors"
        for number, name in enumerate(names)
    }
    for file in set(files.values()):
        _write_safetensors(directory / file, {name: drawn[name] for name in names if files[name] == file})
    size_bytes = sum(tensor.nbytes for tensor in drawn.values())
    _write_json(directory / _INDEX, {"metadata": {"total_size": size_bytes}, "weight_map": files})


def _drawn(shapes: _Shapes) -> Iterator[tuple[str, np.ndarray[Any, np.dtype[np.float32]]]]:
    chance = np.random.default_rng(3)
    for name, shape in shapes.items():
        drawn = chance.standard_normal(shape, dtype=np.float32)
        if len(shape) > 1:
            yield name, drawn * np.float32(0.08)
        else:
            around = 1 if "norm" in name and name.endswith("weight") else 0
            yield name, around + drawn * np.float32(0.05)


def _write_safetensors(path: Path, tensors: Mapping[str, np.ndarray[Any, np.dtype[np.float32]]]) -> None:
    """The format is a header's length, the header (JSON), the tensors one after the other."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name, tensor in tensors.items():
        begin, end = end, end + tensor.nbytes
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [begin, end]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(len(text).to_bytes(8, "little") + text + b"".join(tensor.tobytes() for tensor in tensors.values()))


def _write_json(path: Path, content: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2), encoding="utf-8")
