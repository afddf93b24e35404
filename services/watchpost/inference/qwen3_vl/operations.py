"""What lies between the matrix products: norms, gates, rotations and the attention over a tree of questions.

`TorchOperations` says in plain torch what each is: it runs on a CPU and is what the kernels are tested against.
`TritonOperations` (kernels.py) does the same in one pass over the memory each, on a GPU.
"""

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional

from watchpost.inference.qwen3_vl.projections import FP8, FP8_LARGEST, Activations, Projection, Scaled

__all__ = ["KeptKeys", "Operations", "TorchOperations", "Tree"]


@dataclass(frozen=True, slots=True)
class KeptKeys:
    """Keys and values of the text before the pictures, of one layer: each slots x kv_heads x capacity x head_dim."""

    keys: Tensor
    values: Tensor


@dataclass(frozen=True, slots=True)
class Tree:
    """Who sees whom: all see the kept prefix, the trunk sees what came before, a suffix the trunk and itself.

    Args:
        slots: which kept prefix each picture of the batch has (int32).
        prefix_tokens: how long each slot's prefix is (int32).
        trunk: tokens of the picture and of the text after it.
        suffix: tokens of each suffix; they follow the trunk one after another.

    """

    slots: Tensor
    prefix_tokens: Tensor
    trunk: int
    suffix: int


class Operations(Protocol):
    """Streams are rows x columns. A `delta` is added to the stream, in place, before it is read."""

    def rms_norm(
        self, stream: Tensor, delta: Tensor | None, weight: Tensor, eps: float, *, scaled: bool
    ) -> Activations:
        """The stream over its root mean square, times the weight."""
        ...

    def layer_norm(
        self, stream: Tensor, delta: Tensor | None, weight: Tensor, bias: Tensor, *, scaled: bool
    ) -> Activations:
        """The stream less its mean, over its deviation, times the weight and plus the bias."""
        ...

    def gelu_product(self, up: Projection, activations: Activations, *, scaled: bool) -> Activations:
        """The product's gelu, in its tanh form, in which the vision tower was trained."""
        ...

    def vision_attention(self, qkv: Tensor) -> Tensor:
        """Batch x patches x 3 x heads x head_dim -> rows x (heads · head_dim)."""
        ...

    def silu_gate(self, gate_up: Tensor, *, scaled: bool) -> Activations:
        """Rows x (gate, up) -> rows x silu(gate) · up."""
        ...

    def scale(self, x: Tensor) -> Scaled:
        """Each row divided by its largest magnitude, in 8-bit floats."""
        ...

    def rotate_vision(self, qkv: Tensor, cosines: Tensor, sines: Tensor) -> None:
        """Turn queries and keys by their places, in place: batch x patches x 3 x heads x head_dim."""
        ...

    def rotate_text(
        self, qkv: Tensor, norms: tuple[Tensor, Tensor], eps: float, turns: tuple[Tensor, Tensor], kv_heads: int
    ) -> None:
        """Norm queries and keys head by head, then turn them, in place: batch x tokens x (q, k, v heads) x head_dim.

        `norms` are those of queries and keys, `turns` cosines and sines (batch x tokens x half the head_dim).
        """
        ...

    def tree_attention(self, qkv: Tensor, kept: KeptKeys, tree: Tree) -> Tensor:
        """Batch x tokens x (q, k, v heads) x head_dim -> rows x (q heads · head_dim)."""
        ...


class TorchOperations:
    """In plain torch."""

    def rms_norm(
        self, stream: Tensor, delta: Tensor | None, weight: Tensor, eps: float, *, scaled: bool
    ) -> Activations:
        """See Operations."""
        if delta is not None:
            stream += delta
        x = stream.float()
        normed = x * torch.rsqrt(x.square().mean(-1, keepdim=True) + eps)
        return self._maybe_scaled(weight * normed.to(weight.dtype), scaled=scaled)

    def layer_norm(
        self, stream: Tensor, delta: Tensor | None, weight: Tensor, bias: Tensor, *, scaled: bool
    ) -> Activations:
        """See Operations."""
        if delta is not None:
            stream += delta
        normed = functional.layer_norm(stream.to(weight.dtype), (stream.shape[-1],), weight, bias, 1e-6)
        return self._maybe_scaled(normed, scaled=scaled)

    def gelu_product(self, up: Projection, activations: Activations, *, scaled: bool) -> Activations:
        """See Operations."""
        return self._maybe_scaled(functional.gelu(up(activations), approximate="tanh"), scaled=scaled)

    def vision_attention(self, qkv: Tensor) -> Tensor:
        """See Operations."""
        q, k, v = qkv.permute(2, 0, 3, 1, 4)
        attended = functional.scaled_dot_product_attention(q, k, v)
        return attended.transpose(1, 2).reshape(qkv.shape[0] * qkv.shape[1], -1)

    def silu_gate(self, gate_up: Tensor, *, scaled: bool) -> Activations:
        """See Operations."""
        gate, up = gate_up.chunk(2, -1)
        return self._maybe_scaled(functional.silu(gate) * up, scaled=scaled)

    def scale(self, x: Tensor) -> Scaled:
        """See Operations."""
        factors = (x.float().abs().amax(-1, keepdim=True) / FP8_LARGEST).clamp_min(1e-12)
        return Scaled((x.float() / factors).to(FP8), factors)

    def rotate_vision(self, qkv: Tensor, cosines: Tensor, sines: Tensor) -> None:
        """See Operations."""
        qkv[:, :, :2] = _turned(qkv[:, :, :2], cosines[:, None, None], sines[:, None, None])

    def rotate_text(
        self, qkv: Tensor, norms: tuple[Tensor, Tensor], eps: float, turns: tuple[Tensor, Tensor], kv_heads: int
    ) -> None:
        """See Operations."""
        keys_at = qkv.shape[2] - 2 * kv_heads
        cosines, sines = turns[0][:, :, None], turns[1][:, :, None]
        for part, weight in ((slice(keys_at), norms[0]), (slice(keys_at, keys_at + kv_heads), norms[1])):
            normed = self.rms_norm(qkv[:, :, part].clone(), None, weight, eps, scaled=False)
            assert isinstance(normed, Tensor)  # noqa: S101  not scaled
            qkv[:, :, part] = _turned(normed, cosines, sines)

    def tree_attention(self, qkv: Tensor, kept: KeptKeys, tree: Tree) -> Tensor:
        """See Operations."""
        batch, tokens, _, head_dim = qkv.shape
        kv_heads = kept.keys.shape[1]
        q, k, v = qkv.transpose(1, 2).split([qkv.shape[2] - 2 * kv_heads, kv_heads, kv_heads], 1)
        slots = tree.slots.long()
        attended = functional.scaled_dot_product_attention(
            q,
            torch.cat([kept.keys[slots], k], 2),
            torch.cat([kept.values[slots], v], 2),
            attn_mask=_seen(tree, tokens, kept.keys.shape[2]),
            enable_gqa=True,
        )
        return attended.transpose(1, 2).reshape(batch * tokens, -1, head_dim).flatten(1)

    def _maybe_scaled(self, x: Tensor, *, scaled: bool) -> Activations:
        return self.scale(x) if scaled else x


def _seen(tree: Tree, tokens: int, capacity: int) -> Tensor:
    """Batch x 1 x tokens x (capacity + tokens): what each token may look at."""
    slots = tree.slots.long()
    at = torch.arange(tokens, device=slots.device)
    suffix_of = (at - tree.trunk).div(max(tree.suffix, 1), rounding_mode="floor")
    own = (at[None] <= at[:, None]) & ((at < tree.trunk)[None] | (suffix_of[None] == suffix_of[:, None]))
    prefix = torch.arange(capacity, device=slots.device)[None] < tree.prefix_tokens[slots].long()[:, None]
    return torch.cat([prefix[:, None].expand(-1, tokens, -1), own[None].expand(len(slots), -1, -1)], dim=-1)[:, None]


def _turned(x: Tensor, cosines: Tensor, sines: Tensor) -> Tensor:
    """Rotary position embedding (Su et al. 2021): pairs lie half a head apart."""
    low, high = x.float().chunk(2, -1)
    return torch.cat([low * cosines - high * sines, high * cosines + low * sines], -1).to(x.dtype)
