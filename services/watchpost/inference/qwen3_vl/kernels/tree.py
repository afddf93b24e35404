"""Attention over a tree of questions that computes nothing that is masked (after FlashAttention-2, Dao 2023).

Cost: what causality leaves of tokens x (prefix + tokens); the query heads of one key head go through it together.
"""

import torch
import triton
import triton.language as tl
from torch import Tensor

from watchpost.inference.qwen3_vl.kernels.tiles import has_copy_engine, tile, tiles_of
from watchpost.inference.qwen3_vl.operations import KeptKeys, Tree

__all__ = ["tree_attention"]

# few keys at once, so that four blocks share a multiprocessor: at 64 by 64 two do, and an H200 takes 1.2 times as long
_QUERIES, _KEYS = 64, 32
_MOST_REGISTERS = 128
_LOG2_E = 1.4426950408889634


def tree_attention(qkv: Tensor, kept: KeptKeys, tree: Tree) -> Tensor:
    """See Operations.tree_attention. `qkv` is contiguous, head_dim a power of two."""
    batch, tokens, all_heads, head_dim = qkv.shape
    _, kv_heads, capacity, _ = kept.keys.shape
    heads = all_heads - 2 * kv_heads
    out = torch.empty(batch * tokens, heads * head_dim, device=qkv.device, dtype=qkv.dtype)
    group = heads // kv_heads
    own = tiles_of(qkv.view(batch, tokens, -1), _KEYS, head_dim)
    keys, values = (tiles_of(x.view(-1, capacity, head_dim), _KEYS, head_dim) for x in (kept.keys, kept.values))
    copied = has_copy_engine(qkv.device)
    _attend[(batch * kv_heads, triton.cdiv(tokens * group, _QUERIES))](
        qkv, own, keys, values, out, tree.slots, tree.prefix_tokens,
        tokens, tree.trunk, tree.suffix, head_dim**-0.5 * _LOG2_E, capacity,
        KV_HEADS=kv_heads, GROUP=group, D=head_dim, QUERIES=_QUERIES, KEYS=_KEYS, COPIED=copied,
        num_warps=4, num_stages=2, maxnreg=_MOST_REGISTERS if copied else None,
    )  # fmt: skip
    return out


@triton.jit
def _absorb(q, k, v, seen, m, total, acc, scale, MASKED: tl.constexpr):
    scores = tl.dot(q, tl.trans(k))
    if MASKED:
        scores = tl.where(seen, scores, -1.0e30)
    highest = tl.maximum(m, tl.max(scores, 1))
    # one multiplication with addition scales and shifts
    p = tl.math.exp2(scores * scale - (highest * scale)[:, None])
    shrunk = tl.math.exp2((m - highest) * scale)
    return highest, total * shrunk + tl.sum(p, 1), tl.dot(p.to(v.dtype), v, acc * shrunk[:, None])


@triton.jit
def _attend(
    qkv, own, keys, values, out, slots, prefix_tokens, tokens, trunk, suffix, scale, capacity,
    KV_HEADS: tl.constexpr, GROUP: tl.constexpr, D: tl.constexpr, QUERIES: tl.constexpr, KEYS: tl.constexpr,
    COPIED: tl.constexpr,
):  # fmt: skip
    # the longest first: the last blocks to begin are short ones
    block = tl.num_programs(1) - 1 - tl.program_id(1)
    batch, kv = tl.program_id(0) // KV_HEADS, tl.program_id(0) % KV_HEADS
    row_width: tl.constexpr = (KV_HEADS * GROUP + 2 * KV_HEADS) * D
    rows = block * QUERIES + tl.arange(0, QUERIES)
    token = rows // GROUP
    head = kv * GROUP + rows % GROUP
    d = tl.arange(0, D)[None]
    within = tl.arange(0, KEYS)
    q_at = qkv + (batch.to(tl.int64) * tokens + token[:, None]) * row_width + head[:, None] * D + d
    q = tl.load(q_at, mask=token[:, None] < tokens, other=0.0)
    m = tl.full([QUERIES], -1.0e30, tl.float32)
    total = tl.zeros([QUERIES], tl.float32)
    acc = tl.zeros([QUERIES, D], tl.float32)

    slot = tl.load(slots + batch)
    prefix = tl.load(prefix_tokens + slot)
    kept = slot * KV_HEADS + kv
    for start in range(0, prefix, KEYS):
        k = tile(keys, kept, start, 0, capacity, D, KEYS, D, COPIED)
        v = tile(values, kept, start, 0, capacity, D, KEYS, D, COPIED)
        m, total, acc = _absorb(q, k, v, (start + within < prefix)[None], m, total, acc, scale, True)

    k_at = (KV_HEADS * GROUP + kv) * D
    v_at = k_at + KV_HEADS * D
    clear = tl.minimum(block * QUERIES // GROUP, trunk) // KEYS * KEYS
    for start in range(0, clear, KEYS):
        k = tile(own, batch, start, k_at, tokens, row_width, KEYS, D, COPIED)
        v = tile(own, batch, start, v_at, tokens, row_width, KEYS, D, COPIED)
        m, total, acc = _absorb(q, k, v, True, m, total, acc, scale, False)
    # a suffix sees the trunk and what of itself came before
    suffix_at = tl.where(token < trunk, 0, trunk + (token - trunk) // suffix * suffix)[:, None]
    last = tl.minimum((block * QUERIES + QUERIES - 1) // GROUP, tokens - 1)
    for start in range(clear, last + 1, KEYS):
        k = tile(own, batch, start, k_at, tokens, row_width, KEYS, D, COPIED)
        v = tile(own, batch, start, v_at, tokens, row_width, KEYS, D, COPIED)
        key = (start + within)[None]
        seen = (key <= token[:, None]) & ((key < trunk) | (key >= suffix_at))
        m, total, acc = _absorb(q, k, v, seen, m, total, acc, scale, True)
    at = (batch.to(tl.int64) * tokens + token[:, None]) * (KV_HEADS * GROUP * D) + head[:, None] * D + d
    tl.store(out + at, (acc / total[:, None]).to(out.dtype.element_ty), mask=token[:, None] < tokens)
