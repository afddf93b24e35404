"""The sizes of a Qwen3-VL model, as its config.json states them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from watchpost.errors import ModelError

__all__ = ["ExpertShape", "ModelShape", "TextShape", "VisionShape"]


@dataclass(frozen=True, slots=True)
class VisionShape:
    """The vision tower: `depth` blocks over patches, merged `merge` by `merge` into one token of the text model."""

    depth: int
    hidden: int
    intermediate: int
    heads: int
    out_hidden: int
    patch_px: int
    merge: int
    temporal: int
    positions: int
    deepstack: tuple[int, ...]
    rope_theta: float


@dataclass(frozen=True, slots=True)
class ExpertShape:
    """A mixture of experts in place of one feed-forward network."""

    experts: int
    chosen: int
    intermediate: int


@dataclass(frozen=True, slots=True)
class TextShape:
    """The text model. `mrope_section`: how many frequencies turn by time, row and column."""

    layers: int
    hidden: int
    intermediate: int
    heads: int
    kv_heads: int
    head_dim: int
    vocabulary: int
    rope_theta: float
    mrope_section: tuple[int, int, int]
    norm_eps: float
    experts: ExpertShape | None


@dataclass(frozen=True, slots=True)
class ModelShape:
    """The whole model. `tied`: the head's rows are the embeddings."""

    vision: VisionShape
    text: TextShape
    tied: bool

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> "ModelShape":
        """Read a Hugging Face config.json. Raises ModelError where it is of another architecture or incomplete."""
        if config.get("model_type") not in {"qwen3_vl", "qwen3_vl_moe"}:
            raise ModelError(f"config.json: model_type is {config.get('model_type')!r}, expected qwen3_vl[_moe]")
        try:
            vision, text = config["vision_config"], config["text_config"]
            return cls(_vision(vision), _text(text), bool(config.get("tie_word_embeddings", False)))
        except KeyError as missing:
            raise ModelError(f"config.json: {missing} is missing; copy the model's directory again") from missing


def _vision(config: Mapping[str, Any]) -> VisionShape:
    return VisionShape(
        depth=config["depth"],
        hidden=config["hidden_size"],
        intermediate=config["intermediate_size"],
        heads=config["num_heads"],
        out_hidden=config["out_hidden_size"],
        patch_px=config.get("patch_size", 16),
        merge=config.get("spatial_merge_size", 2),
        temporal=config.get("temporal_patch_size", 2),
        positions=config.get("num_position_embeddings", 2304),
        deepstack=tuple(config["deepstack_visual_indexes"]),
        rope_theta=(config.get("rope_parameters") or {}).get("rope_theta", 10_000.0),
    )


def _text(config: Mapping[str, Any]) -> TextShape:
    # older files call it rope_scaling and keep theta beside it
    rope = config.get("rope_parameters") or config.get("rope_scaling") or {}
    by_time, by_row, by_column = rope.get("mrope_section", (24, 20, 20))
    return TextShape(
        layers=config["num_hidden_layers"],
        hidden=config["hidden_size"],
        intermediate=config.get("intermediate_size", 0),
        heads=config["num_attention_heads"],
        kv_heads=config["num_key_value_heads"],
        head_dim=config.get("head_dim") or config["hidden_size"] // config["num_attention_heads"],
        vocabulary=config["vocab_size"],
        rope_theta=rope.get("rope_theta") or config.get("rope_theta") or 5_000_000.0,
        mrope_section=(by_time, by_row, by_column),
        norm_eps=config.get("rms_norm_eps", 1e-6),
        experts=_experts(config),
    )


def _experts(config: Mapping[str, Any]) -> ExpertShape | None:
    # the library writes the second name
    experts = config.get("num_experts") or config.get("num_local_experts")
    if not experts:
        return None
    return ExpertShape(experts, config["num_experts_per_tok"], config["moe_intermediate_size"])
