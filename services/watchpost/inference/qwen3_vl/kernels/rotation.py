"""The kernel that norms heads and turns them by their places, in place."""

import triton
import triton.language as tl

__all__ = ["rotate_heads"]


@triton.jit
def rotate_heads(
    qkv, cosines, sines, q_norm, k_norm, places, eps, stride,
    HEADS: tl.constexpr, QUERIES: tl.constexpr, HALF: tl.constexpr, NORMED: tl.constexpr,
    BLOCK_HEADS: tl.constexpr, BLOCK_HALF: tl.constexpr,
) -> None:  # fmt: skip
    row = tl.program_id(0).to(tl.int64)
    head = tl.arange(0, BLOCK_HEADS)[:, None]
    at = tl.arange(0, BLOCK_HALF)[None, :]
    inside = (head < HEADS) & (at < HALF)
    low_at = qkv + row * stride + head * 2 * HALF + at
    low = tl.load(low_at, mask=inside, other=0.0).to(tl.float32)
    high = tl.load(low_at + HALF, mask=inside, other=0.0).to(tl.float32)
    if NORMED:
        over = tl.rsqrt((tl.sum(low * low, 1) + tl.sum(high * high, 1)) / (2 * HALF) + eps)[:, None]
        weight = tl.where(head < QUERIES, q_norm, k_norm)
        low = (low * over).to(qkv.dtype.element_ty).to(tl.float32) * tl.load(weight + at, mask=inside, other=0.0)
        high = (high * over).to(qkv.dtype.element_ty).to(tl.float32) * tl.load(
            weight + HALF + at, mask=inside, other=0.0
        )
    place = row % places
    cosine = tl.load(cosines + place * HALF + at, mask=at < HALF, other=0.0)
    sine = tl.load(sines + place * HALF + at, mask=at < HALF, other=0.0)
    tl.store(low_at, (low * cosine - high * sine).to(qkv.dtype.element_ty), mask=inside)
    tl.store(low_at + HALF, (high * cosine + low * sine).to(qkv.dtype.element_ty), mask=inside)
