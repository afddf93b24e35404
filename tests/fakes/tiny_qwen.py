"""A Qwen3-VL small enough for a CPU: the real layout of files, a real tokenizer, random weights.

write_tiny_qwen(models_dir / "qwen3-vl-4b")

What it says means nothing; that all of a picture and of the questions reaches it is what a test can see.
"""

import json
from pathlib import Path

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

__all__ = ["write_tiny_qwen"]

_SPECIAL = (
    *("<|endoftext|>", "<|im_start|>", "<|im_end|>"),
    *("<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>"),
)
_MERGES = (("Y", "e"), ("Ye", "s"), ("N", "o"))
_ROPE = {"rope_type": "default", "rope_theta": 5e6, "mrope_interleaved": True, "mrope_section": [4, 2, 2]}
_TEXT = {
    "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 3, "num_attention_heads": 4,
    "num_key_value_heads": 2, "head_dim": 16, "vocab_size": 320, "rope_parameters": _ROPE,
}  # fmt: skip
_VISION = {
    "depth": 3, "hidden_size": 32, "intermediate_size": 64, "num_heads": 2, "out_hidden_size": 64,
    "deepstack_visual_indexes": [0, 1],
}  # fmt: skip


def write_tiny_qwen(directory: Path, *, experts: bool = False, whole_words: bool = True) -> None:
    """Write the model. `whole_words` false: its tokenizer splits "Yes", as a wrong one would."""
    import torch  # noqa: PLC0415  a machine without the inference extra collects these tests too
    from transformers import (  # noqa: PLC0415
        Qwen3VLConfig,
        Qwen3VLForConditionalGeneration,
        Qwen3VLMoeConfig,
        Qwen3VLMoeForConditionalGeneration,
    )

    tokenizer = _tokenizer(whole_words=whole_words)
    ids = {
        "image_token_id": tokenizer.token_to_id("<|image_pad|>"),
        "video_token_id": tokenizer.token_to_id("<|video_pad|>"),
        "vision_start_token_id": tokenizer.token_to_id("<|vision_start|>"),
        "vision_end_token_id": tokenizer.token_to_id("<|vision_end|>"),
    }
    torch.manual_seed(3)
    if experts:
        text = _TEXT | {"num_experts": 8, "num_experts_per_tok": 2, "moe_intermediate_size": 48}
        config = Qwen3VLMoeConfig(text_config=text, vision_config=_VISION, tie_word_embeddings=False, **ids)
        model = Qwen3VLMoeForConditionalGeneration(config)
    else:
        config = Qwen3VLConfig(text_config=_TEXT, vision_config=_VISION, tie_word_embeddings=True, **ids)
        model = Qwen3VLForConditionalGeneration(config)
    for parameter in model.parameters():
        drawn = torch.randn_like(parameter)
        parameter.data = drawn * 0.08 if parameter.dim() > 1 else parameter.data + drawn * 0.05
    model.save_pretrained(directory)
    tokenizer.save(str(directory / "tokenizer.json"))
    names = {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "<|im_end|>", "pad_token": "<|endoftext|>"}
    (directory / "tokenizer_config.json").write_text(json.dumps(names), encoding="utf-8")


def _tokenizer(*, whole_words: bool) -> Tokenizer:
    """Byte-level, as Qwen's own; of its merges only those that make the answers' words one token each."""
    merges = list(_MERGES) if whole_words else []
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: index for index, token in enumerate([*alphabet, *("".join(merge) for merge in merges)])}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(token, special=True) for token in _SPECIAL])
    return tokenizer
