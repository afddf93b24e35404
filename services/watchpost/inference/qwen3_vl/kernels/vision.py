"""Attention of all patches to all (after FlashAttention-2, Dao 2023), where it beats the library's kernel.

On an H200, 8 pictures of 3,520 patches, 16 heads of 64: 480 TFLOP/s against cuDNN's 400. Heads of 72, computed as 64
and 8, came to 375 against cuDNN's 355, and at 880 patches to less: those stay with cuDNN.
"""

import torch
import triton
import triton.language as tl
from torch import Tensor

from watchpost.inference.qwen3_vl.kernels.tiles import has_copy_engine, some, tile, tiles_of

__all__ = ["vision_attention"]

# 64 by 64 beats all larger tiles: four of them share a multiprocessor, and one computes while others wait
_ROWS = 64
_LOG2_E = 1.4426950408889634


def vision_attention(qkv: Tensor) -> Tensor:
    """Batch x patches x 3 x heads x head_dim (a power of two) -> rows x (heads · head_dim)."""
    batch, patches, _, heads, head_dim = qkv.shape
    out = torch.empty(batch * patches, heads * head_dim, device=qkv.device, dtype=qkv.dtype)
    tiles = tiles_of(qkv.view(batch, patches, -1), _ROWS, head_dim)
    _attend[(triton.cdiv(patches, _ROWS), batch * heads)](
        tiles, qkv, out, patches, head_dim**-0.5 * _LOG2_E,
        HEADS=heads, D=head_dim, ROWS=_ROWS, COPIED=has_copy_engine(qkv.device), num_warps=4, num_stages=3,
    )  # fmt: skip
    return out


@triton.jit
def _absorb(q, k, v, m, total, acc, seen, MASKED: tl.constexpr):
    scores = tl.dot(q, tl.trans(k))
    if MASKED:
        scores = tl.where(seen, scores, -1.0e30)
    highest = tl.maximum(m, tl.max(scores, 1))
    p = tl.math.exp2(scores - highest[:, None])
    shrunk = tl.math.exp2(m - highest)
    return highest, total * shrunk + tl.sum(p, 1), tl.dot(p.to(v.dtype), v, acc * shrunk[:, None])


@triton.jit
def _attend(
    tiles, qkv, out, patches, scale,
    HEADS: tl.constexpr, D: tl.constexpr, ROWS: tl.constexpr, COPIED: tl.constexpr,
):  # fmt: skip
    batch, head = tl.program_id(1) // HEADS, tl.program_id(1) % HEADS
    first = tl.program_id(0) * ROWS
    width: tl.constexpr = 3 * HEADS * D
    q_at = head * D
    k_at = q_at + HEADS * D
    v_at = k_at + HEADS * D
    q = tile(tiles, batch, first, q_at, patches, width, ROWS, D, COPIED)
    q = (q.to(tl.float32) * scale).to(out.dtype.element_ty)
    m = tl.full([ROWS], -1.0e30, tl.float32)
    total = tl.zeros([ROWS], tl.float32)
    acc = tl.zeros([ROWS, D], tl.float32)
    whole = patches // ROWS * ROWS
    for start in range(0, whole, ROWS):
        k = tile(tiles, batch, start, k_at, patches, width, ROWS, D, COPIED)
        v = tile(tiles, batch, start, v_at, patches, width, ROWS, D, COPIED)
        m, total, acc = _absorb(q, k, v, m, total, acc, True, False)
    if whole < patches:
        k = some(qkv, batch, whole, k_at, patches, width, ROWS, D)
        v = some(qkv, batch, whole, v_at, patches, width, ROWS, D)
        there = (whole + tl.arange(0, ROWS) < patches)[None]
        m, total, acc = _absorb(q, k, v, m, total, acc, there, True)
    rows = first + tl.arange(0, ROWS)[:, None]
    at = (batch.to(tl.int64) * patches + rows) * (HEADS * D) + q_at + tl.arange(0, D)[None]
    tl.store(out + at, (acc / total[:, None]).to(out.dtype.element_ty), mask=rows < patches)
