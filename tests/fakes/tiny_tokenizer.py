"""The tokenizer of the tiny Qwen3-VL: byte-level pairs, as Qwen's own, with few merges and the same special tokens."""

import json
from functools import cache
from pathlib import Path
from typing import Any

__all__ = ["token_id", "write_tokenizer"]

_SPECIAL = (
    *("<|endoftext|>", "<|im_start|>", "<|im_end|>"),
    *("<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>"),
)
_SPACE = "Ġ"
# the answers' words stand first, so that no other word's pairs come before theirs
_WORDS = ("Yes", "No")
_USUAL = (
    "the is are was of to in on a an and or as it its one with without any other word line lines own every question "
    "questions about answer answers picture camera fixed shown letter digit from for ten more how many people person "
    "part seen lie ground floor after fall dog leash door open closed"
)
_CHAT = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n"
    "{% if message.content is string %}{{ message.content }}{% else %}{% for part in message.content %}"
    "{% if part.type == 'image' %}<|vision_start|><|image_pad|><|vision_end|>"
    "{% elif part.type == 'video' %}<|vision_start|><|video_pad|><|vision_end|>"
    "{% else %}{{ part.text }}{% endif %}{% endfor %}{% endif %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def token_id(special: str) -> int:
    """The id of a special token: they follow the others, or the library would number them anew."""
    return len(_tokens()) + _SPECIAL.index(special)


def write_tokenizer(directory: Path, *, whole_words: bool) -> None:
    """Write tokenizer.json, its settings and the chat's template. Without `whole_words` nothing is merged."""
    added: list[dict[str, Any]] = [
        {"id": token_id(token), "content": token, "special": True}
        | dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
        for token in _SPECIAL
    ]
    merges = _merges() if whole_words else []
    bytes_alone = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": True}
    tokenizer = {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": added,
        "normalizer": {"type": "NFC"}, "pre_tokenizer": bytes_alone, "post_processor": None, "decoder": bytes_alone,
        "model": {
            "type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": "",
            "end_of_word_suffix": "", "fuse_unk": False, "byte_fallback": False, "ignore_merges": False,
            "vocab": {token: number for number, token in enumerate(_tokens())},
            "merges": [list(pair) for pair in merges],
        },
    }  # fmt: skip
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast", "processor_class": "Qwen3VLProcessor",
        "eos_token": "<|im_end|>", "pad_token": "<|endoftext|>", "chat_template": _CHAT,
        "clean_up_tokenization_spaces": False, "model_max_length": 4096,
    }  # fmt: skip
    for name, content in {
        "tokenizer.json": tokenizer,
        "tokenizer_config.json": settings,
        "chat_template.json": {"chat_template": _CHAT},
    }.items():
        (directory / name).write_text(json.dumps(content), encoding="utf-8")


@cache
def _tokens() -> tuple[str, ...]:
    return (*_alphabet(), *("".join(pair) for pair in _merges()))


def _merges() -> list[tuple[str, str]]:
    """Each word grows letter by letter from its beginning."""
    words = [*_WORDS, *(_SPACE + word for word in (*_WORDS, *_USUAL.split()))]
    pairs = {(word[:length], word[length]): None for word in words for length in range(1, len(word))}
    return list(pairs)


def _alphabet() -> list[str]:
    """Byte-level BPE's characters for the 256 bytes (Radford et al. 2019): printable ones stand for themselves."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    characters = {byte: chr(byte) for byte in printable}
    characters |= {byte: chr(256 + number) for number, byte in enumerate(others)}
    return [characters[byte] for byte in sorted(characters)]
