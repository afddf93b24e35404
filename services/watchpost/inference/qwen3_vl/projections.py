"""Matrix products with weights of 16, 8 and 4 bits."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple, TypeAlias, assert_never

import torch
from torch import Tensor
from torch.nn import functional

__all__ = ["FP8", "FP8_LARGEST", "Activations", "Plain", "Precision", "Projection", "Scaled", "pack", "sixteen_bits"]

FP8 = torch.float8_e4m3fn
FP8_LARGEST = 448.0
_ROWS_AT_ONCE = 2048


class Precision(StrEnum):
    """In which form the products' weights lie, and so how they are multiplied."""

    FP32 = "fp32"
    BF16 = "bf16"
    FP16 = "fp16"
    FP8 = "fp8"
    """Weights and activations in 8-bit floats, scaled by row: needs a card of compute capability 8.9."""
    INT8 = "int8"
    """bitsandbytes' LLM.int8() with threshold 0 (Dettmers et al. 2022): any card."""
    NF4 = "nf4"
    """bitsandbytes' 4-bit normal floats (Dettmers et al. 2023), multiplied in 16 bits: any card."""

    @property
    def scales_activations(self) -> bool:
        """Whether products want their activations as `Scaled`."""
        return self is Precision.FP8

    @property
    def keeps_vision(self) -> bool:
        """Whether the vision tower stays at 16 bits: bitsandbytes costs it more exactness than it saves memory."""
        return self in {Precision.INT8, Precision.NF4}


class Scaled(NamedTuple):
    """8-bit activations: values (rows x columns) and each row's factor (rows x 1, fp32)."""

    values: Tensor
    factors: Tensor


Activations: TypeAlias = Tensor | Scaled
Projection: TypeAlias = Callable[[Activations], Tensor]
"""rows x inputs -> rows x outputs, in 16 bits (fp32 on the CPU)."""


def sixteen_bits(precision: Precision, *, has_bf16: bool) -> torch.dtype:
    """The type of everything that is no packed weight. bitsandbytes multiplies 8-bit weights in fp16."""
    if precision is Precision.FP32:
        return torch.float32
    return torch.bfloat16 if has_bf16 and precision not in {Precision.FP16, Precision.INT8} else torch.float16


def pack(weights: Sequence[Tensor], bias: Tensor | None, precision: Precision) -> Projection:
    """One product for several projections of the same input. Each weight is outputs x inputs, on the device."""
    weight = torch.cat(list(weights)) if len(weights) > 1 else weights[0]
    match precision:
        case Precision.FP32 | Precision.BF16 | Precision.FP16:
            return Plain(weight, bias)
        case Precision.FP8:
            return _Fp8.packed(weight, bias)
        case Precision.INT8:
            return _Int8.packed(weight, bias)
        case Precision.NF4:
            return _Nf4.packed(weight, bias)
        case _:
            assert_never(precision)


@dataclass(frozen=True, slots=True)
class Plain:
    """A product with weights as they are."""

    weight: Tensor
    bias: Tensor | None

    def __call__(self, activations: Activations) -> Tensor:
        assert isinstance(activations, Tensor)  # noqa: S101  a precision either scales all activations or none
        return functional.linear(activations, self.weight, self.bias)


@dataclass(frozen=True, slots=True)
class _Fp8:
    weight: Tensor
    factors: Tensor
    bias: Tensor | None

    @classmethod
    def packed(cls, weight: Tensor, bias: Tensor | None) -> "_Fp8":
        factors = (weight.abs().amax(1, keepdim=True).float() / FP8_LARGEST).clamp_min(1e-12)
        # row block by row block: the quotients are fp32, and where layers must leave the card there is no room for them
        blocks = zip(weight.split(_ROWS_AT_ONCE), factors.split(_ROWS_AT_ONCE), strict=True)
        values = torch.cat([(rows / over).to(FP8) for rows, over in blocks])
        return cls(values, factors.t().contiguous(), bias)

    def __call__(self, activations: Activations) -> Tensor:
        assert isinstance(activations, Scaled)  # noqa: S101  a precision either scales all activations or none
        return torch._scaled_mm(  # noqa: SLF001  the only door to row-wise scaled products in torch 2.11
            activations.values,
            self.weight.t(),
            scale_a=activations.factors,
            scale_b=self.factors,
            bias=self.bias,
            out_dtype=torch.bfloat16,
            use_fast_accum=True,
        )


@dataclass(frozen=True, slots=True)
class _Int8:
    weight: Tensor
    largest: Tensor
    bias: Tensor | None

    @classmethod
    def packed(cls, weight: Tensor, bias: Tensor | None) -> "_Int8":
        from bitsandbytes import functional as bits  # noqa: PLC0415  it looks for CUDA when imported

        values, largest, _ = bits.int8_vectorwise_quant(weight.half())
        return cls(values, largest, bias)

    def __call__(self, activations: Activations) -> Tensor:
        from bitsandbytes import functional as bits  # noqa: PLC0415

        assert isinstance(activations, Tensor)  # noqa: S101
        values, largest, _ = bits.int8_vectorwise_quant(activations.half())
        product = bits.int8_linear_matmul(values, self.weight)
        return bits.int8_mm_dequant(product, largest, self.largest, bias=self.bias).to(activations.dtype)


@dataclass(frozen=True, slots=True)
class _Nf4:
    weight: Tensor
    state: Any
    bias: Tensor | None

    @classmethod
    def packed(cls, weight: Tensor, bias: Tensor | None) -> "_Nf4":
        from bitsandbytes import functional as bits  # noqa: PLC0415

        values, state = bits.quantize_4bit(weight, quant_type="nf4", compress_statistics=True)
        return cls(values, state, bias)

    def __call__(self, activations: Activations) -> Tensor:
        from bitsandbytes import functional as bits  # noqa: PLC0415

        assert isinstance(activations, Tensor)  # noqa: S101
        return functional.linear(activations, bits.dequantize_4bit(self.weight, self.state), self.bias)
