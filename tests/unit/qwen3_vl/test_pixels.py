"""Preprocessing on the device gives what the library's own processor gives."""

import numpy as np
import torch
from transformers import Qwen2VLImageProcessorFast

from watchpost.inference.qwen3_vl.pixels import patches, resized
from watchpost.inference.qwen3_vl.places import Canvas
from watchpost.inference.qwen3_vl.shapes import VisionShape

SHAPE = VisionShape(4, 32, 64, 2, 64, 16, 2, 2, 2304, (1, 2), 10_000.0)


def test_patches_of_an_aligned_picture_equal_the_processors() -> None:
    bgr = np.random.default_rng(2).integers(0, 256, (64, 96, 3), dtype=np.uint8)
    processor = Qwen2VLImageProcessorFast(
        patch_size=16, temporal_patch_size=2, merge_size=2, image_mean=[0.5] * 3, image_std=[0.5] * 3,
        min_pixels=32 * 32, max_pixels=96 * 96,
    )  # fmt: skip
    rgb = torch.from_numpy(bgr[..., ::-1].copy()).permute(2, 0, 1)
    expected = processor(images=[rgb], return_tensors="pt")

    picture = torch.from_numpy(bgr)
    ours = patches(torch.stack([picture, picture])[None], SHAPE, torch.float32)[0]

    assert expected["image_grid_thw"].tolist() == [[1, 4, 6]]
    assert (ours - expected["pixel_values"]).abs().max() < 1e-6


def test_picture_of_another_size_is_scaled_to_the_canvas() -> None:
    ramp = np.linspace(0, 255, 200, dtype=np.uint8)
    bgr = torch.from_numpy(np.repeat(np.repeat(ramp[None, :, None], 120, 0), 3, 2))

    scaled = resized(bgr, Canvas(96, 64))

    assert scaled.shape == (64, 96, 3)
    columns = scaled[:, :, 0].float().mean(0)
    assert (columns.diff() >= 0).all()
    assert abs(float(columns.mean()) - 127.5) < 2
