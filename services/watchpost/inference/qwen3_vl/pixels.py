"""Turns pictures into the vision tower's patches, on the device, as the library's own processor would on a CPU."""

import torch
from torch import Tensor
from torch.nn import functional

from watchpost.inference.qwen3_vl.places import Canvas
from watchpost.inference.qwen3_vl.shapes import VisionShape

__all__ = ["patches", "resized"]

_HALF = 127.5


def resized(bgr: Tensor, canvas: Canvas) -> Tensor:
    """A picture (height x width x 3, uint8) scaled to the canvas: bicubic and antialiased, as the processor does it."""
    if tuple(bgr.shape[:2]) == (canvas.height_px, canvas.width_px):
        return bgr
    scaled = functional.interpolate(
        bgr.permute(2, 0, 1)[None].float(),
        size=(canvas.height_px, canvas.width_px),
        mode="bicubic",
        antialias=True,
        align_corners=False,
    )
    return scaled.round().clamp(0, 255).to(torch.uint8)[0].permute(1, 2, 0)


def patches(bgr: Tensor, shape: VisionShape, dtype: torch.dtype) -> Tensor:
    """Batch x 2 (earlier, later) x height x width x 3, uint8 BGR -> batch x patches x (3 · 2 · patch_px²).

    A patch's numbers are ordered by colour (RGB), time, row and column, and lie between -1 and 1.
    """
    batch, times, height_px, width_px, colours = bgr.shape
    px, merge = shape.patch_px, shape.merge
    split = bgr.view(batch, times, height_px // (px * merge), merge, px, width_px // (px * merge), merge, px, colours)
    ordered = split.flip(-1).permute(0, 2, 5, 3, 6, 8, 1, 4, 7)
    flat = ordered.reshape(batch, (height_px // px) * (width_px // px), colours * times * px * px)
    # exact at 16 bits too: every number less the half has eight bits
    return flat.to(dtype).sub_(_HALF).div_(_HALF)
