"""Attention over a tree of questions that computes nothing that is masked (after FlashAttention-2, Dao 2023).

Cost: what causality leaves of tokens x (prefix + tokens); the query heads of one key head go through it together.
"""

import torch
import triton
import triton.language as tl
from torch import Tensor

from watchpost.inference.qwen3_vl.operations import KeptKeys, Tree

__all__ = ["tree_attention"]

_QUERIES, _KEYS = 64, 64
_LOG2_E = 1.4426950408889634


def tree_attention(qkv: Tensor, kept: KeptKeys, tree: Tree) -> Tensor:
    """See Operations.tree_attention. `qkv` is contiguous, head_dim a power of two."""
    batch, tokens, all_heads, head_dim = qkv.shape
    _, kv_heads, capacity, _ = kept.keys.shape
    heads = all_heads - 2 * kv_heads
    out = torch.empty(batch * tokens, heads * head_dim, device=qkv.device, dtype=qkv.dtype)
    group = heads // kv_heads
    _attend[(triton.cdiv(tokens * group, _QUERIES), batch * kv_heads)](
        qkv, kept.keys, kept.values, out, tree.slots, tree.prefix_tokens,
        tokens, tree.trunk, tree.suffix, head_dim**-0.5 * _LOG2_E, capacity,
        KV_HEADS=kv_heads, GROUP=group, D=head_dim, QUERIES=_QUERIES, KEYS=_KEYS, num_warps=4, num_stages=2,
    )  # fmt: skip
    return out


@triton.jit
def _absorb(q, k, v, seen, m, total, acc, scale, MASKED: tl.constexpr):
    scores = tl.dot(q, tl.trans(k)) * scale
    if MASKED:
        scores = tl.where(seen, scores, -1.0e30)
    highest = tl.maximum(m, tl.max(scores, 1))
    p = tl.math.exp2(scores - highest[:, None])
    if MASKED:
        p = tl.where(seen, p, 0.0)
    shrunk = tl.math.exp2(m - highest)
    acc = tl.dot(p.to(v.dtype), v, acc * shrunk[:, None])
    return highest, total * shrunk + tl.sum(p, 1), acc


@triton.jit
def _attend(
    qkv, keys, values, out, slots, prefix_tokens, tokens, trunk, suffix, scale, capacity,
    KV_HEADS: tl.constexpr, GROUP: tl.constexpr, D: tl.constexpr, QUERIES: tl.constexpr, KEYS: tl.constexpr,
):  # fmt: skip
    block = tl.program_id(0)
    batch = (tl.program_id(1) // KV_HEADS).to(tl.int64)
    kv = tl.program_id(1) % KV_HEADS
    row_width: tl.constexpr = (KV_HEADS * GROUP + 2 * KV_HEADS) * D
    rows = block * QUERIES + tl.arange(0, QUERIES)
    token = rows // GROUP
    head = kv * GROUP + rows % GROUP
    d = tl.arange(0, D)
    within = tl.arange(0, KEYS)
    picture = qkv + batch * tokens * row_width
    q_at = picture + token[:, None] * row_width + head[:, None] * D + d[None]
    q = tl.load(q_at, mask=token[:, None] < tokens, other=0.0)
    m = tl.full([QUERIES], -1.0e30, tl.float32)
    total = tl.zeros([QUERIES], tl.float32)
    acc = tl.zeros([QUERIES, D], tl.float32)

    slot = tl.load(slots + batch)
    prefix = tl.load(prefix_tokens + slot)
    kept_at = (slot.to(tl.int64) * KV_HEADS + kv) * capacity * D
    whole = prefix // KEYS * KEYS
    for start in range(0, whole, KEYS):
        at = kept_at + (start + within)[:, None] * D + d[None]
        m, total, acc = _absorb(q, tl.load(keys + at), tl.load(values + at), True, m, total, acc, scale, False)
    if whole < prefix:
        key = whole + within
        at = kept_at + key[:, None] * D + d[None]
        there = key[:, None] < prefix
        k = tl.load(keys + at, mask=there, other=0.0)
        v = tl.load(values + at, mask=there, other=0.0)
        m, total, acc = _absorb(q, k, v, (key < prefix)[None] & (rows >= 0)[:, None], m, total, acc, scale, True)

    own_k = picture + (KV_HEADS * GROUP + kv) * D
    own_v = own_k + KV_HEADS * D
    clear = tl.minimum(block * QUERIES // GROUP, trunk) // KEYS * KEYS
    for start in range(0, clear, KEYS):
        at = (start + within)[:, None] * row_width + d[None]
        m, total, acc = _absorb(q, tl.load(own_k + at), tl.load(own_v + at), True, m, total, acc, scale, False)
    last = tl.minimum((block * QUERIES + QUERIES - 1) // GROUP, tokens - 1)
    for start in range(clear, last + 1, KEYS):
        key = start + within
        at = key[:, None] * row_width + d[None]
        there = key[:, None] < tokens
        k = tl.load(own_k + at, mask=there, other=0.0)
        v = tl.load(own_v + at, mask=there, other=0.0)
        same = (key[None] - trunk) // suffix == (token[:, None] - trunk) // suffix
        seen = (key[None] <= token[:, None]) & ((key[None] < trunk) | same)
        m, total, acc = _absorb(q, k, v, seen, m, total, acc, scale, True)
    at = (batch * tokens + token[:, None]) * (KV_HEADS * GROUP * D) + head[:, None] * D + d[None]
    tl.store(out + at, (acc / total[:, None]).to(out.dtype.element_ty), mask=token[:, None] < tokens)
