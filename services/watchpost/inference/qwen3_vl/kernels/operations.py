"""The same operations as TorchOperations, each in one pass over the memory: what a GPU waits for between products."""

import torch
import triton
from torch import Tensor

from watchpost.inference.qwen3_vl.kernels.rotation import rotate_heads
from watchpost.inference.qwen3_vl.kernels.rows import gate_rows, norm_rows
from watchpost.inference.qwen3_vl.kernels.tree import tree_attention
from watchpost.inference.qwen3_vl.kernels.vision import is_own, vision_attention
from watchpost.inference.qwen3_vl.operations import KeptKeys, TorchOperations, Tree
from watchpost.inference.qwen3_vl.projections import FP8, Activations, Plain, Projection, Scaled

__all__ = ["TritonOperations"]

# of `gate_rows`
_GELU, _SILU, _NO_GATE = 0, 1, 2


class TritonOperations:
    """See Operations. Rows are read once and written once."""

    def rms_norm(
        self, stream: Tensor, delta: Tensor | None, weight: Tensor, eps: float, *, scaled: bool
    ) -> Activations:
        """See Operations."""
        return _normed(stream, delta, weight, None, eps, scaled=scaled)

    def layer_norm(
        self, stream: Tensor, delta: Tensor | None, weight: Tensor, bias: Tensor, *, scaled: bool
    ) -> Activations:
        """See Operations."""
        return _normed(stream, delta, weight, bias, 1e-6, scaled=scaled)

    def gelu_product(self, up: Projection, activations: Activations, *, scaled: bool) -> Activations:
        """See Operations. At 16 bits the gelu is a part of the product: one pass less over its widest result."""
        if isinstance(up, Plain) and up.bias is not None and isinstance(activations, Tensor) and activations.is_cuda:
            # torch has no other door to the product's own gelu
            return torch._addmm_activation(up.bias, activations, up.weight.t(), use_gelu=True)  # noqa: SLF001
        x = up(activations)
        return _gated(x, x.shape[1], _GELU, scaled=scaled)

    def vision_attention(self, qkv: Tensor) -> Tensor:
        """See Operations."""
        return vision_attention(qkv) if is_own(qkv) else TorchOperations().vision_attention(qkv)

    def silu_gate(self, gate_up: Tensor, *, scaled: bool) -> Activations:
        """See Operations."""
        return _gated(gate_up, gate_up.shape[1] // 2, _SILU, scaled=scaled)

    def scale(self, x: Tensor) -> Scaled:
        """See Operations."""
        result = _gated(x, x.shape[1], _NO_GATE, scaled=True)
        assert isinstance(result, Scaled)  # noqa: S101  asked for
        return result

    def rotate_vision(self, qkv: Tensor, cosines: Tensor, sines: Tensor) -> None:
        """See Operations."""
        batch, patches, _, heads, head_dim = qkv.shape
        rotate_heads[(batch * patches,)](
            qkv, cosines, sines, cosines, cosines, patches, 0.0, qkv.stride(1),
            HEADS=2 * heads, QUERIES=heads, HALF=head_dim // 2, NORMED=False,
            BLOCK_HEADS=triton.next_power_of_2(2 * heads), BLOCK_HALF=triton.next_power_of_2(head_dim // 2),
        )  # fmt: skip

    def rotate_text(
        self, qkv: Tensor, norms: tuple[Tensor, Tensor], eps: float, turns: tuple[Tensor, Tensor], kv_heads: int
    ) -> None:
        """See Operations."""
        batch, tokens, heads, head_dim = qkv.shape
        turned = heads - kv_heads
        rotate_heads[(batch * tokens,)](
            qkv, turns[0], turns[1], norms[0], norms[1], batch * tokens, eps, qkv.stride(1),
            HEADS=turned, QUERIES=turned - kv_heads, HALF=head_dim // 2, NORMED=True,
            BLOCK_HEADS=triton.next_power_of_2(turned), BLOCK_HALF=triton.next_power_of_2(head_dim // 2),
        )  # fmt: skip

    def tree_attention(self, qkv: Tensor, kept: KeptKeys, tree: Tree) -> Tensor:
        """See Operations."""
        return tree_attention(qkv, kept, tree)


def _outputs(rows: int, columns: int, like: Tensor, *, scaled: bool) -> tuple[Tensor, Tensor]:
    values = torch.empty(rows, columns, device=like.device, dtype=FP8 if scaled else like.dtype)
    factors = torch.empty(rows, 1, device=like.device, dtype=torch.float32) if scaled else values
    return values, factors


def _warps(block: int) -> int:
    return min(8, max(1, block // 1024))


def _normed(
    stream: Tensor, delta: Tensor | None, weight: Tensor, bias: Tensor | None, eps: float, *, scaled: bool
) -> Activations:
    rows, columns = stream.shape
    values, factors = _outputs(rows, columns, weight, scaled=scaled)
    block = triton.next_power_of_2(columns)
    norm_rows[(rows,)](
        stream, stream if delta is None else delta, weight, weight if bias is None else bias, values, factors,
        columns, eps, ADDS=delta is not None, CENTRED=bias is not None, SCALED=scaled, BLOCK=block,
        num_warps=_warps(block),
    )  # fmt: skip
    return Scaled(values, factors) if scaled else values


def _gated(x: Tensor, columns: int, gate: int, *, scaled: bool) -> Activations:
    rows = x.shape[0]
    values, factors = _outputs(rows, columns, x, scaled=scaled)
    # what lies behind the largest power of two is a block of its own: 9,728 are 8,192 and 2,048, not 16,384
    main = 1 << (columns.bit_length() - 1)
    rest = triton.next_power_of_2(columns - main) if columns > main else 0
    gate_rows[(rows,)](x, values, factors, columns, x.stride(0), GATE=gate, SCALED=scaled, MAIN=main, REST=rest,
                   num_warps=_warps(main) * (2 if gate == _SILU else 1))  # fmt: skip
    return Scaled(values, factors) if scaled else values
