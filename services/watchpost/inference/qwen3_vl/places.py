"""Where the parts of a picture are, for a model that has no other notion of place: tables for one canvas."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from watchpost.inference.qwen3_vl.shapes import ModelShape, TextShape, VisionShape

__all__ = ["Canvas", "CanvasTables", "canvas_tables", "text_turns", "token_places"]


@dataclass(frozen=True, slots=True, order=True)
class Canvas:
    """A size that pictures are scaled to. Both sides are multiples of 32 px, so nothing is padded."""

    width_px: int
    height_px: int


@dataclass(frozen=True, slots=True)
class CanvasTables:
    """For each patch of a canvas, in the order of the vision tower (merged patches together).

    Args:
        positions: the learned position, resampled (patches x hidden).
        cosines: of each patch's turns (patches x half the head_dim), fp32.
        sines: likewise.

    """

    positions: Tensor
    cosines: Tensor
    sines: Tensor


def canvas_tables(canvas: Canvas, shape: VisionShape, learned: Tensor) -> CanvasTables:
    """The tables of a canvas; `learned` is the square grid of position embeddings (positions x hidden)."""
    rows, columns = canvas.height_px // shape.patch_px, canvas.width_px // shape.patch_px
    side = round(shape.positions**0.5)
    grid = learned.float().t().reshape(1, shape.hidden, side, side)
    resampled = functional.interpolate(grid, size=(rows, columns), mode="bilinear", align_corners=True)
    at_row, at_column = torch.meshgrid(
        torch.arange(rows, device=learned.device), torch.arange(columns, device=learned.device), indexing="ij"
    )
    row_of, column_of = _merged(at_row, shape.merge), _merged(at_column, shape.merge)
    quarter = shape.hidden // shape.heads // 2
    speeds = shape.rope_theta ** -(torch.arange(0, quarter, 2, device=learned.device).float() / quarter)
    angles = torch.cat([row_of[:, None] * speeds, column_of[:, None] * speeds], -1)
    positions = torch.stack([_merged(channel, shape.merge) for channel in resampled[0]], -1)
    return CanvasTables(positions.to(learned.dtype).contiguous(), angles.cos(), angles.sin())


def token_places(
    canvas: Canvas, shape: ModelShape, tail: int, suffixes: int, suffix: int, device: torch.device
) -> Tensor:
    """Time, row and column of each token of picture, tail and suffixes, counted from the prefix's end: 3 x tokens.

    Text goes on after the picture's longer side; every suffix starts at the same place.
    """
    unit = shape.vision.patch_px * shape.vision.merge
    rows, columns = canvas.height_px // unit, canvas.width_px // unit
    at_row, at_column = torch.meshgrid(
        torch.arange(rows, device=device), torch.arange(columns, device=device), indexing="ij"
    )
    picture = torch.stack([torch.zeros_like(at_row), at_row, at_column]).reshape(3, -1)
    after = max(rows, columns)
    suffix_at = torch.arange(suffix, device=device).repeat(suffixes) + tail
    text = torch.cat([torch.arange(tail, device=device), suffix_at]) + after
    return torch.cat([picture, text.expand(3, -1)], 1)


def text_turns(places: Tensor, shape: TextShape) -> tuple[Tensor, Tensor]:
    """Cosines and sines (batch x tokens x half the head_dim, fp32) of places (3 x batch x tokens).

    Frequencies are dealt to time, row and column in turn (Qwen3-VL's interleaved MRoPE).
    """
    half = shape.head_dim // 2
    speeds = shape.rope_theta ** -(torch.arange(half, device=places.device).float() / half)
    angles = places[..., None].float() * speeds
    mixed = angles[0].clone()
    for axis in (1, 2):
        dealt = slice(axis, shape.mrope_section[axis] * 3, 3)
        mixed[..., dealt] = angles[axis, ..., dealt]
    return mixed.cos(), mixed.sin()


def _merged(grid: Tensor, merge: int) -> Tensor:
    """Rows x columns in the order of merged blocks, flat."""
    rows, columns = grid.shape
    return grid.view(rows // merge, merge, columns // merge, merge).transpose(1, 2).reshape(-1)
