"""Puts a model's directory onto a device and makes the scorer of it."""

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog
import torch
from torch import Tensor

from watchpost.errors import ConfigError
from watchpost.inference.questions import COUNT_PEOPLE, QuestionSheet
from watchpost.inference.qwen3_vl.canvases import DEFAULT_CANVASES
from watchpost.inference.qwen3_vl.checkpoint import Checkpoint
from watchpost.inference.qwen3_vl.engine import Engine
from watchpost.inference.qwen3_vl.forward import Model
from watchpost.inference.qwen3_vl.memory import MemoryNeed, check_fits, layers_on_card, memory_need
from watchpost.inference.qwen3_vl.operations import Operations, TorchOperations
from watchpost.inference.qwen3_vl.places import Canvas
from watchpost.inference.qwen3_vl.projections import Precision, sixteen_bits
from watchpost.inference.qwen3_vl.scorer import SLOTS, Qwen3VlScorer
from watchpost.inference.qwen3_vl.shapes import ModelShape
from watchpost.inference.qwen3_vl.sheets import check_answers
from watchpost.inference.qwen3_vl.slots import SlotTables
from watchpost.inference.qwen3_vl.weights import load_weights
from watchpost.inference.scorer import ScorerIdentity
from watchpost.inference.stages import StageListener, untold

__all__ = ["Loading", "load_scorer", "precision_on"]

_LOG = structlog.get_logger()
_PREFIX_TOKENS = 512
_SUFFIX = "A="
_FP8_SINCE, _BF16_SINCE = (8, 9), (8, 0)


@dataclass(frozen=True, slots=True)
class Loading:
    """What is loaded, and how.

    Args:
        name: the model's name, for provenance.
        directory: where its files lie.
        digest: what its files were when they were looked at.
        asked: the precision asked for: fp16, int8 or int4.
        device: `cpu` or `cuda:N`.
        canvases: the sizes that pictures are scaled to.
        largest_batch: the most pictures in one pass.
        offload: whether layers that the card does not hold may lie in the machine's memory.

    """

    name: str
    directory: Path
    digest: str
    asked: str
    device: str
    canvases: Sequence[Canvas] = DEFAULT_CANVASES
    largest_batch: int = 32
    offload: bool = False


def precision_on(device: torch.device, asked: str) -> Precision:
    """What is in force: 8 bits are floats where the card multiplies them; a CPU computes in 32 bits."""
    if device.type != "cuda":
        return Precision.FP32
    capability = torch.cuda.get_device_capability(device)
    match asked:
        case "int8":
            return Precision.FP8 if capability >= _FP8_SINCE else Precision.INT8
        case "int4":
            return Precision.NF4
        case _:
            return Precision.BF16 if capability >= _BF16_SINCE else Precision.FP16


def load_scorer(loading: Loading, told: StageListener = untold) -> Qwen3VlScorer:
    """The scorer, its weights on the device. It tells `told` how long its stages take.

    Raises ModelError for a directory that is missing something, or whose tokenizer splits an answer, ConfigError for a
    device that is not there.
    """
    device = _device(loading.device)
    if device.type != "cuda" and loading.device == "auto":
        _LOG.warning("no_gpu_is_visible", model=loading.name, remark="it runs on the CPU in fp32, minutes a picture")
    checkpoint = Checkpoint(loading.directory)
    tokenize = checkpoint.tokenize()
    check_answers(tokenize)
    shape = ModelShape.from_config(checkpoint.config)
    precision = precision_on(device, loading.asked)
    has_bf16 = device.type == "cuda" and torch.cuda.get_device_capability(device) >= _BF16_SINCE
    dtype = sixteen_bits(precision, has_bf16=has_bf16)
    resident = _layers_on_card(loading, shape, device) if device.type == "cuda" else _layers_here(loading, shape)
    plain = Precision.FP32 if precision is Precision.FP32 else _plain(dtype)

    def tensor(name: str) -> Tensor:
        return checkpoint.tensor(name, device, dtype)

    model = Model(load_weights(tensor, shape, precision, plain, resident), shape, _operations(device))
    tables = SlotTables.empty(shape.text, SLOTS, _PREFIX_TOKENS, len(tokenize(_SUFFIX)), device, dtype)
    # a graph cannot wait for weights that come from the machine's memory
    engine = Engine(model, tables, captures=device.type == "cuda" and resident == shape.text.layers)
    identity = ScorerIdentity(loading.name, precision.value, loading.digest)
    scorer = Qwen3VlScorer(engine, tokenize, identity, loading.canvases, loading.largest_batch, told)
    if device.type == "cuda":
        # kernels are compiled and graphs captured before the first frame, which would expire meanwhile
        for canvas in loading.canvases:
            scorer.prepare(QuestionSheet((COUNT_PEOPLE,)), canvas, sorted({1, loading.largest_batch}))
    return scorer


def _need(loading: Loading, shape: ModelShape, precision: Precision) -> MemoryNeed:
    largest = max(loading.canvases, key=lambda canvas: canvas.width_px * canvas.height_px)
    return memory_need(shape, precision, largest, loading.largest_batch, SLOTS * _PREFIX_TOKENS)


def _layers_here(loading: Loading, shape: ModelShape) -> int:
    """All layers, on a machine that has room for them: one without would be killed by its kernel, with no word."""
    free_bytes = _free_host_bytes()
    if free_bytes is not None:
        need = _need(loading, shape, Precision.FP32)
        check_fits(loading.name, "this machine", {Precision.FP32: need}, Precision.FP32, free_bytes)
    return shape.text.layers


def _free_host_bytes() -> int | None:
    meminfo = Path("/proc/meminfo")
    found = re.search(r"MemAvailable: +(\d+) kB", meminfo.read_text(encoding="ascii")) if meminfo.is_file() else None
    return None if found is None else 1024 * int(found[1])


def _layers_on_card(loading: Loading, shape: ModelShape, device: torch.device) -> int:
    needs = {asked: _need(loading, shape, precision_on(device, asked)) for asked in ("fp16", "int8", "int4")}
    free_bytes, _ = torch.cuda.mem_get_info(device)
    fitting = layers_on_card(shape, precision_on(device, loading.asked), needs[loading.asked], free_bytes)
    if fitting is not None and (loading.offload or fitting == shape.text.layers):
        if fitting < shape.text.layers:
            _LOG.warning("layers_lie_in_the_machines_memory", layers=shape.text.layers - fitting, on_card=fitting)
        return fitting
    check_fits(loading.name, str(device), needs, loading.asked, free_bytes, could_offload=fitting is not None)
    return shape.text.layers


def _plain(dtype: torch.dtype) -> Precision:
    return Precision.BF16 if dtype is torch.bfloat16 else Precision.FP16


def _device(name: str) -> torch.device:
    device = torch.device("cuda:0" if name == "auto" and torch.cuda.is_available() else name.replace("auto", "cpu"))
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        there = torch.cuda.device_count()
        raise ConfigError(
            "model_params.device", f"{name} is not there: {there} GPUs are visible", "write cpu, or check the driver"
        )
    if device.type == "cuda":
        torch.cuda.set_device(device)
    return device


def _operations(device: torch.device) -> Operations:
    if device.type != "cuda" or sys.platform != "linux":
        return TorchOperations()
    from watchpost.inference.qwen3_vl.kernels.operations import TritonOperations  # noqa: PLC0415  needs Triton

    return TritonOperations()
