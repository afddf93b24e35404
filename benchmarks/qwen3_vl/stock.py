"""The same models as the library runs them: the baseline in the same run on the same card."""

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import torch

from benchmarks.qwen3_vl.shapes import CONFIGS
from watchpost.inference.qwen3_vl.places import Canvas

__all__ = ["stock_fps"]

_TEXT_TOKENS = 144
"""Questions and chat around the picture, with the six answers asked one after another in one text."""


def stock_fps(name: str, canvases: list[Canvas], batch: int) -> dict[str, float]:
    """Pictures a second of one plain forward pass in bf16, pixels in, by canvas."""
    from transformers import Qwen3VLConfig, Qwen3VLForConditionalGeneration  # noqa: PLC0415  slow to import

    config = CONFIGS[name]
    made = Qwen3VLConfig(
        text_config=config["text_config"],
        vision_config=config["vision_config"],
        tie_word_embeddings=config["tie_word_embeddings"],
    )
    torch.set_default_dtype(torch.bfloat16)
    with torch.device("cuda"):
        model = Qwen3VLForConditionalGeneration(made).eval()
    torch.set_default_dtype(torch.float32)
    with torch.inference_mode():
        rates = {}
        for canvas in canvases:
            inputs = _inputs(made, canvas, batch)
            took_s = _timed(partial(model, **inputs, logits_to_keep=1, use_cache=False))
            rates[f"{canvas.width_px}x{canvas.height_px}"] = batch / took_s
    return rates


def _inputs(config: Any, canvas: Canvas, batch: int) -> dict[str, torch.Tensor]:
    rows, columns = canvas.height_px // 16, canvas.width_px // 16
    tokens = rows * columns // 4
    ids = torch.randint(100, 1000, (batch, _TEXT_TOKENS + tokens + 2), device="cuda")
    ids[:, 60] = config.vision_start_token_id
    ids[:, 61 : 61 + tokens] = config.image_token_id
    ids[:, 61 + tokens] = config.vision_end_token_id
    kinds = torch.zeros_like(ids)
    kinds[:, 61 : 61 + tokens] = 1
    return {
        "input_ids": ids,
        "attention_mask": torch.ones_like(ids),
        "mm_token_type_ids": kinds,
        "pixel_values": torch.randn(batch * rows * columns, 3 * 2 * 16 * 16, device="cuda", dtype=torch.bfloat16),
        "image_grid_thw": torch.tensor([[1, rows, columns]] * batch, device="cuda"),
    }


def _timed(call: Callable[[], object], times: int = 4) -> float:
    call()
    torch.cuda.synchronize()
    started = time.perf_counter()
    for _ in range(times):
        call()
    torch.cuda.synchronize()
    return (time.perf_counter() - started) / times
