"""How many cameras one GPU holds at their pace, p95 from frame to answer within 300 ms, none shed."""

import argparse
import gc
import json
from collections.abc import Iterator
from typing import Any

import torch

from benchmarks.qwen3_vl.feeding import Load, held
from benchmarks.qwen3_vl.models import Built, build, device
from watchpost.inference.qwen3_vl.places import Canvas
from watchpost.inference.qwen3_vl.projections import Precision

__all__ = ["main"]

_LATENCY_MS = 300
_P720, _P1080, _P4K = (1280, 720), (1920, 1080), (3840, 2160)
_ROWS = {
    ("4b", Precision.FP8): (Load(8, 5, *_P720), Load(4, 10, *_P1080), Load(1, 15, *_P4K)),
    ("8b", Precision.NF4): (Load(6, 5, *_P720), Load(3, 10, *_P1080)),
    ("30b", Precision.BF16): (Load(2, 5, *_P720), Load(1, 10, *_P1080)),
}
_BATCH = 8


def main() -> None:
    """One line a row, and all of them as one JSON object last."""
    arguments = _arguments()
    canvas = Canvas(*map(int, arguments.canvas.split("x")))
    rows: list[dict[str, Any]] = []
    for (name, precision), loads in _ROWS.items():
        if name not in arguments.models.split(","):
            continue
        built = build(name, precision, [canvas])
        for load in loads if arguments.rows else ():
            rows.append(_row(built, load, arguments.seconds) | {"model": name, "precision": precision.value})
            print(json.dumps(rows[-1]), flush=True)
        if name == "4b" and arguments.most:
            for row in _most(built, arguments):
                rows.append(row | {"model": name, "precision": precision.value})
                print(json.dumps(rows[-1]), flush=True)
        del built
        gc.collect()
        if device().type == "cuda":
            torch.cuda.empty_cache()
    card = torch.cuda.get_device_name() if device().type == "cuda" else "cpu"
    print(json.dumps({"card": card, "canvas": arguments.canvas, "rows": rows}))


def _row(built: Built, load: Load, seconds: float) -> dict[str, Any]:
    figures = held(built.scorer, load, _BATCH, seconds)
    p95_ms = figures.percentile_ms(95)
    asked = load.cameras * int(seconds * load.fps)
    return {
        "cameras": load.cameras,
        "fps": load.fps,
        "source": f"{load.width_px}x{load.height_px}",
        "seconds": seconds,
        "answered": len(figures.latencies_ms),
        "asked": asked,
        "p50_ms": round(figures.percentile_ms(50), 1),
        "p95_ms": round(p95_ms, 1),
        "max_ms": round(max(figures.latencies_ms), 1),
        "held": p95_ms <= _LATENCY_MS and len(figures.latencies_ms) == asked,
    }


def _most(built: Built, arguments: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Short tries from many cameras down until one holds; that one for the whole time."""
    for cameras in map(int, arguments.most.split(",")):
        load = Load(cameras, 5, *_P720)
        if _row(built, load, min(8.0, arguments.seconds))["held"]:
            yield _row(built, load, arguments.seconds)
            return


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", default="4b,8b,30b")
    parser.add_argument("--canvas", default="1280x704", help="what frames are scaled to for analysis")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--most", default="16,15,14,13,12,11,10", help="720p cameras at 5 fps to try, 4B alone")
    parser.add_argument("--rows", action=argparse.BooleanOptionalAction, default=True)
    return parser.parse_args()


if __name__ == "__main__":
    main()
