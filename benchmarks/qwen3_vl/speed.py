"""How many pictures a second one GPU answers, by model, precision and canvas: `make bench-qwen3-vl`.

Random weights of the real sizes; JPEG bytes in, answers out; the library's own pass in the same run on the same card.
"""

import argparse
import gc
import json
from typing import Any

import torch

from benchmarks.qwen3_vl.feeding import flat_out, jpegs
from benchmarks.qwen3_vl.models import Built, build, device, flops_per_picture
from benchmarks.qwen3_vl.stock import stock_fps
from watchpost.inference.qwen3_vl.places import Canvas
from watchpost.inference.qwen3_vl.projections import Precision

__all__ = ["main"]

_SMALL, _LARGE = Canvas(640, 352), Canvas(1280, 704)
_BATCHES = {_SMALL: (8, 16, 24, 32), _LARGE: (4, 6, 8, 10)}
_LATENCY_MS = 300
_PEAK_FLOPS = {Precision.FP8: 1580e12}
_PEAK_16_BIT_FLOPS = 790e12
"""What one H100 or H200 reached with large products of random numbers in 16 bits."""


def main() -> None:
    """One line a row, and all of them as one JSON object last."""
    arguments = _arguments()
    rows: list[dict[str, Any]] = []
    stock: dict[str, dict[str, float]] = {}
    for name in arguments.models.split(","):
        if arguments.stock and device().type == "cuda":
            stock[name] = stock_fps(name, list(_BATCHES), batch=8)
            _free()
            print(json.dumps({"stock": name, **stock[name]}), flush=True)
        for precision in map(Precision, arguments.precisions.split(",")):
            rows += _measured(name, precision, arguments.seconds)
    print(json.dumps({"card": _card(), "stock_bf16_fps": stock, "rows": rows}))


def _measured(name: str, precision: Precision, seconds: float) -> list[dict[str, Any]]:
    rows = []
    for canvas, sizes in _BATCHES.items():
        built = build(name, precision, [canvas])
        row = _row(built, canvas, sizes, seconds) | {"model": name, "precision": precision.value}
        print(json.dumps(row), flush=True)
        rows.append(row)
        del built
        _free()
    return rows


def _row(built: Built, canvas: Canvas, sizes: tuple[int, ...], seconds: float) -> dict[str, Any]:
    pictures = jpegs(canvas.width_px, canvas.height_px)
    first = flat_out(built.scorer, pictures, 1, 1.0)
    runs = {size: flat_out(built.scorer, pictures, size, seconds) for size in sizes}
    fast = {size: run for size, run in runs.items() if run.percentile_ms(95) <= _LATENCY_MS} or runs
    best = max(fast, key=lambda size: fast[size].fps)
    pairs = flat_out(built.scorer, pictures, best, seconds, paired=True)
    peak = _PEAK_FLOPS.get(built.precision, _PEAK_16_BIT_FLOPS)
    return {
        "canvas": f"{canvas.width_px}x{canvas.height_px}",
        "fps": round(runs[best].fps, 1),
        "batch": best,
        "p95_ms": round(runs[best].percentile_ms(95), 1),
        "paired_camera_fps": round(pairs.fps, 1),
        "alone_ms": built.alone_ms(canvas, 1),
        "eight_ms": built.alone_ms(canvas, 8),
        "closed_loop_1_ms": round(first.percentile_ms(50), 1),
        "flops_share": round(runs[best].fps * flops_per_picture(built.shape, canvas) / peak, 3),
        "weights_gb": round(built.weights_gb, 2),
        "peak_gb": round(torch.cuda.max_memory_allocated() / 1e9, 1) if device().type == "cuda" else 0,
        "build_s": round(built.build_s, 1),
    }


def _card() -> dict[str, Any]:
    if device().type != "cuda":
        return {"name": "cpu"}
    free, total = torch.cuda.mem_get_info()
    return {"name": torch.cuda.get_device_name(), "free_gb": round(free / 1e9, 1), "total_gb": round(total / 1e9, 1)}


def _free() -> None:
    gc.collect()
    if device().type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", default="4b,8b")
    parser.add_argument("--precisions", default="bf16,fp8,nf4,int8")
    parser.add_argument("--seconds", type=float, default=2.5)
    parser.add_argument("--stock", action=argparse.BooleanOptionalAction, default=True)
    return parser.parse_args()


if __name__ == "__main__":
    main()
