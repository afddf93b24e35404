"""What is kept of each sheet of questions on the device: keys and values of its prefix, and its other tokens."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from watchpost.errors import ConfigError
from watchpost.inference.questions import MOST_QUESTIONS, QuestionSheet
from watchpost.inference.qwen3_vl.operations import KeptKeys
from watchpost.inference.qwen3_vl.shapes import TextShape
from watchpost.inference.qwen3_vl.sheets import SheetTokens

__all__ = ["SheetSlots", "SlotTables"]

_MOST_LABELS = 11


@dataclass(frozen=True, slots=True)
class SlotTables:
    """Per slot, on the device, at fixed addresses, so that captured graphs find what is new in them.

    Args:
        kept: each layer's keys and values of the prefixes.
        prefix_tokens: their lengths (slots, int32).
        tails: the tokens after the picture (slots x most tail tokens).
        suffixes: slots x MOST_QUESTIONS x suffix tokens.
        labels: the answers' tokens (slots x MOST_QUESTIONS x 11, the rest 0).

    """

    kept: tuple[KeptKeys, ...]
    prefix_tokens: Tensor
    tails: Tensor
    suffixes: Tensor
    labels: Tensor

    @classmethod
    def empty(
        cls, shape: TextShape, slots: int, capacity: int, suffix: int, device: torch.device, dtype: torch.dtype
    ) -> "SlotTables":
        """Tables for prefixes and tails of at most `capacity` tokens."""
        size = (slots, shape.kv_heads, capacity, shape.head_dim)

        def zeros(*of: int, kind: torch.dtype = torch.long) -> Tensor:
            return torch.zeros(*of, device=device, dtype=kind)

        return cls(
            kept=tuple(KeptKeys(zeros(*size, kind=dtype), zeros(*size, kind=dtype)) for _ in range(shape.layers)),
            prefix_tokens=zeros(slots, kind=torch.int32),
            tails=zeros(slots, capacity),
            suffixes=zeros(slots, MOST_QUESTIONS, suffix),
            labels=zeros(slots, MOST_QUESTIONS, _MOST_LABELS),
        )

    @property
    def capacity(self) -> int:
        """The most tokens of a prefix or a tail."""
        return self.tails.shape[1]

    def write(self, slot: int, tokens: SheetTokens) -> None:
        """Everything but keys and values. Raises ConfigError for questions that are too long together."""
        longest = max(len(tokens.prefix), len(tokens.tail))
        if longest > self.capacity:
            problem = f"the questions are {longest} tokens together, and {self.capacity} fit"
            raise ConfigError("tasks", problem, "shorten them, or ask the camera fewer")
        questions = len(tokens.suffixes)
        self.prefix_tokens[slot] = len(tokens.prefix)
        self.tails[slot, : len(tokens.tail)] = torch.tensor(tokens.tail)
        # a graph may read more suffixes than a sheet has: they repeat the last one and their answers are not looked at
        padded = [*tokens.suffixes, *[tokens.suffixes[-1]] * (MOST_QUESTIONS - questions)]
        self.suffixes[slot] = torch.tensor(padded)
        self.labels[slot] = 0
        for row, labels in enumerate(tokens.labels):
            self.labels[slot, row, : len(labels)] = torch.tensor(labels)


class SheetSlots:
    """Which sheet lies in which slot; the one used longest ago makes room."""

    def __init__(self, slots: int) -> None:
        self._of: OrderedDict[QuestionSheet, int] = OrderedDict()
        self._slots = slots

    def __len__(self) -> int:
        return self._slots

    def find(self, sheet: QuestionSheet) -> int | None:
        """The sheet's slot, which counts as used now."""
        if sheet not in self._of:
            return None
        self._of.move_to_end(sheet)
        return self._of[sheet]

    def free(self, needed: Sequence[QuestionSheet]) -> int:
        """A slot that is nobody's now, if need be of the sheet used longest ago that is not among `needed`."""
        if len(self._of) == self._slots:
            del self._of[next(kept for kept in self._of if kept not in needed)]
        return next(slot for slot in range(self._slots) if slot not in self._of.values())

    def take(self, sheet: QuestionSheet, slot: int) -> None:
        """The sheet lies there, whole."""
        self._of[sheet] = slot
