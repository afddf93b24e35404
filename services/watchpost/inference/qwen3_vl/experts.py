"""The feed-forward part of the mixture-of-experts model: each token goes through a few of many small networks."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from watchpost.inference.qwen3_vl.operations import Operations
from watchpost.inference.qwen3_vl.projections import Activations

__all__ = ["Experts"]


@dataclass(frozen=True, slots=True)
class Experts:
    """The experts of one layer, at 16 bits.

    Args:
        router: experts x hidden.
        gate_up: experts x hidden x twice the intermediate size.
        down: experts x intermediate x hidden.
        chosen: how many experts a token goes through.

    """

    router: Tensor
    gate_up: Tensor
    down: Tensor
    chosen: int

    def __call__(self, activations: Activations, operations: Operations) -> Tensor:
        """Rows x hidden -> rows x hidden. Rows are sorted by expert, so that one grouped product serves them all."""
        assert isinstance(activations, Tensor)  # noqa: S101  experts are never quantised
        rows, hidden = activations.shape
        shares, experts = self._routed(activations)
        order = torch.argsort(experts.flatten(), stable=True)
        counts = torch.zeros(self.router.shape[0], dtype=torch.int32, device=activations.device).scatter_add_(
            0, experts.flatten(), torch.ones_like(experts.flatten(), dtype=torch.int32)
        )
        ends = counts.cumsum(0).to(torch.int32)
        gated = operations.silu_gate(_grouped(activations[order // self.chosen], self.gate_up, ends), scaled=False)
        assert isinstance(gated, Tensor)  # noqa: S101
        sent = _grouped(gated, self.down, ends) * shares.flatten()[order, None]
        back = torch.empty_like(sent).index_copy_(0, order, sent)
        return back.view(rows, self.chosen, hidden).sum(1)

    def _routed(self, activations: Tensor) -> tuple[Tensor, Tensor]:
        probabilities = functional.softmax(functional.linear(activations, self.router), dtype=torch.float, dim=-1)
        shares, experts = torch.topk(probabilities, self.chosen, dim=-1)
        return (shares / shares.sum(-1, keepdim=True)).to(activations.dtype), experts


def _grouped(rows: Tensor, weights: Tensor, ends: Tensor) -> Tensor:
    if rows.is_cuda:
        return functional.grouped_mm(rows, weights, offs=ends)
    starts = [0, *ends.tolist()]
    return torch.cat([rows[starts[i] : starts[i + 1]] @ weights[i] for i in range(len(weights))])
