"""Reads a model's directory as Hugging Face lays it out: tensors by name, straight onto the device."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from tokenizers import Tokenizer
from torch import Tensor

from watchpost.errors import ModelError
from watchpost.inference.qwen3_vl.sheets import Tokenize
from watchpost.models import SINGLE, config_of, header_of, weight_map

__all__ = ["Checkpoint"]

_NF4_STATE = ".quant_state.bitsandbytes__nf4"


class Checkpoint:
    """A model's directory. Raises ModelError, naming the file and the remedy, for what is missing or broken in it."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.config: Mapping[str, Any] = config_of(directory)
        self._files = weight_map(directory) or self._in_one_file()

    def tokenize(self) -> Tokenize:
        """The model's tokenizer: text, special tokens in it included, to ids."""
        path = self._directory / "tokenizer.json"
        try:
            tokenizer = Tokenizer.from_file(str(path))
        except Exception as problem:  # the library raises bare Exceptions
            raise self._broken(path, problem) from problem
        return lambda text: list(tokenizer.encode(text, add_special_tokens=False).ids)

    def tensor(self, name: str, device: torch.device, dtype: torch.dtype) -> Tensor:
        """One tensor, on the device. One that is stored in bitsandbytes' nf4 comes as 16 bits.

        Packing that again gives the same 4 bits: the largest number of a block stays the largest.
        """
        stored = self._stored(name, device)
        return (self._unpacked(name, stored, device) if f"{name}{_NF4_STATE}" in self._files else stored).to(dtype)

    def _stored(self, name: str, device: torch.device) -> Tensor:
        if name not in self._files:
            raise ModelError(f"{self._directory} has no tensor {name}; copy the whole model directory again")
        path = self._directory / self._files[name]
        try:
            with safe_open(path, framework="pt", device=str(device)) as opened:
                tensor: Tensor = opened.get_tensor(name)
        except (OSError, SafetensorError) as problem:
            raise self._broken(path, problem) from problem
        return tensor

    def _unpacked(self, name: str, packed: Tensor, device: torch.device) -> Tensor:
        from bitsandbytes import functional as bits  # noqa: PLC0415  it looks for CUDA when imported

        # the state's own numbers are read on the CPU
        its = {key: self._stored(key, torch.device("cpu")) for key in self._files if key.startswith(f"{name}.")}
        tensor: Tensor = bits.dequantize_4bit(packed, bits.QuantState.from_dict(its, device))
        return tensor

    def _in_one_file(self) -> Mapping[str, str]:
        path = self._directory / SINGLE
        try:
            return dict.fromkeys(header_of(path).places, SINGLE)
        except ModelError as problem:
            raise self._broken(path, problem) from problem

    def _broken(self, path: Path, problem: Exception) -> ModelError:
        said = " ".join(str(problem).split())
        return ModelError(f"{path} cannot be read ({said}); copy the whole model directory again")
