"""Kernels that go over the rows of a stream: each row is read once and written once."""

import triton
import triton.language as tl

__all__ = ["gate_rows", "norm_rows"]


@triton.jit
def _over(largest, factors, row):
    """Stores a row's factor and gives its inverse: to multiply by it costs less than a division each."""
    factor = tl.maximum(largest / 448.0, 1e-12)
    tl.store(factors + row, factor)
    return 1.0 / factor


@triton.jit
def norm_rows(
    stream, delta, weight, bias, values, factors, columns, eps,
    ADDS: tl.constexpr, CENTRED: tl.constexpr, SCALED: tl.constexpr, BLOCK: tl.constexpr,
) -> None:  # fmt: skip
    row = tl.program_id(0).to(tl.int64)
    at = tl.arange(0, BLOCK)
    inside = at < columns
    kept = tl.load(stream + row * columns + at, mask=inside, other=0.0)
    x = kept.to(tl.float32)
    if ADDS:
        x += tl.load(delta + row * columns + at, mask=inside, other=0.0).to(tl.float32)
        kept = x.to(stream.dtype.element_ty)
        tl.store(stream + row * columns + at, kept, mask=inside)
        x = kept.to(tl.float32)
    if CENTRED:
        x = tl.where(inside, x - tl.sum(x, 0) / columns, 0.0)
    y = x * tl.rsqrt(tl.sum(x * x, 0) / columns + eps)
    w = tl.load(weight + at, mask=inside, other=0.0).to(tl.float32)
    if CENTRED:
        y = y * w + tl.load(bias + at, mask=inside, other=0.0).to(tl.float32)
    else:
        y = y.to(weight.dtype.element_ty).to(tl.float32) * w
    if SCALED:
        y = y * _over(tl.max(tl.abs(y), 0), factors, row)
    tl.store(values + row * columns + at, y.to(values.dtype.element_ty), mask=inside)


@triton.jit
def _gated(x, columns, at, inside, GATE: tl.constexpr):
    y = tl.load(x + at, mask=inside, other=0.0).to(tl.float32)
    if GATE == 0:  # gelu's tanh form; tanh(z) = 2 sigmoid(2z) - 1
        y = y * tl.sigmoid(1.5957691216057308 * (y + 0.044715 * y * y * y))
    if GATE == 1:
        y = y * tl.sigmoid(y) * tl.load(x + columns + at, mask=inside, other=0.0).to(tl.float32)
    return y


@triton.jit
def gate_rows(
    x, values, factors, columns, stride,
    GATE: tl.constexpr, SCALED: tl.constexpr, MAIN: tl.constexpr, REST: tl.constexpr,
) -> None:  # fmt: skip
    row = tl.program_id(0).to(tl.int64)
    at = tl.arange(0, MAIN)
    y = _gated(x + row * stride, columns, at, at < columns, GATE)
    largest = tl.max(tl.abs(y), 0)
    if REST:
        rest_at = MAIN + tl.arange(0, REST)
        rest = _gated(x + row * stride, columns, rest_at, rest_at < columns, GATE)
        largest = tl.maximum(largest, tl.max(tl.abs(rest), 0))
    over = 1.0
    if SCALED:
        over = _over(largest, factors, row)
    out = values + row * columns
    tl.store(out + at, (y * over).to(values.dtype.element_ty), mask=at < columns)
    if REST:
        tl.store(out + rest_at, (rest * over).to(values.dtype.element_ty), mask=rest_at < columns)
