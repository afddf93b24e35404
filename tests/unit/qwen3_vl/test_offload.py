"""Where a card's memory does not hold a model, some of its layers may lie in the machine's memory."""

from collections.abc import Callable
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from benchmarks.qwen3_vl.shapes import CONFIGS
from tests.fakes.tiny_qwen import write_tiny_qwen
from watchpost.errors import ConfigError
from watchpost.inference.questions import COUNT_PEOPLE, QuestionSheet
from watchpost.inference.qwen3_vl.loading import Loading, load_scorer
from watchpost.inference.qwen3_vl.memory import MemoryNeed, check_fits, layers_on_card, memory_need
from watchpost.inference.qwen3_vl.places import Canvas
from watchpost.inference.qwen3_vl.projections import Precision
from watchpost.inference.qwen3_vl.shapes import ModelShape
from watchpost.inference.qwen3_vl.weights import ModelWeights, load_weights, moved
from watchpost.inference.scorer import LabelScores, Look

GB = 1_000_000_000
EIGHT = ModelShape.from_config(CONFIGS["8b"])
CANVAS = Canvas(96, 64)


def need(shape: ModelShape, precision: Precision) -> MemoryNeed:
    return memory_need(shape, precision, Canvas(640, 352), 8, 4096)


def tensors_in(part: Any) -> list[Tensor]:
    if isinstance(part, Tensor):
        return [part]
    inner = [getattr(part, field.name) for field in fields(part)] if is_dataclass(part) else []
    return [tensor for one in inner for tensor in tensors_in(one)]


@pytest.mark.parametrize("precision", [Precision.BF16, Precision.FP16, Precision.FP8, Precision.INT8])
def test_all_layers_stay_on_a_card_that_holds_them(precision: Precision) -> None:
    wanted = need(EIGHT, precision)

    assert layers_on_card(EIGHT, precision, wanted, wanted.total) == 36
    assert layers_on_card(EIGHT, precision, wanted, wanted.total - 1) == 33


@pytest.mark.parametrize(
    ("precision", "held_gb"), [(Precision.BF16, 10.04), (Precision.FP8, 6.28), (Precision.NF4, 4.94)]
)
def test_need_of_small_batches_is_no_less_than_a_card_was_seen_to_hold(precision: Precision, held_gb: float) -> None:
    four = ModelShape.from_config(CONFIGS["4b"])

    # an H200, batches of 4 on this canvas, all slots
    computed = memory_need(four, precision, Canvas(640, 352), 4, 4096).total

    assert held_gb * GB <= computed <= 1.15 * held_gb * GB


def test_what_stays_on_the_card_and_two_layers_more_fit_into_what_is_free() -> None:
    wanted = need(EIGHT, Precision.FP16)
    layer_bytes = 2 * (4096 * 128 * 2 * 40 + 3 * 4096 * 12288)

    stay = layers_on_card(EIGHT, Precision.FP16, wanted, 14 * GB)

    assert stay is not None
    assert 0 < stay < 36
    assert wanted.total - (36 - stay - 2) * layer_bytes <= 14 * GB
    assert wanted.total - (36 - stay - 3) * layer_bytes > 14 * GB


def test_card_that_does_not_even_hold_the_rest_is_not_helped() -> None:
    assert layers_on_card(EIGHT, Precision.FP16, need(EIGHT, Precision.FP16), 3 * GB) is None


def test_four_bits_are_not_moved() -> None:
    wanted = need(EIGHT, Precision.NF4)

    assert layers_on_card(EIGHT, Precision.NF4, wanted, wanted.total - GB) is None


@pytest.mark.parametrize("could_offload", [False, True])
def test_refusal_names_offload_where_it_would_help(*, could_offload: bool) -> None:
    with pytest.raises(ConfigError) as refused:
        check_fits(
            "qwen3-vl-8b", "cuda:0", {"fp16": MemoryNeed(20 * GB, 0, 0)}, "fp16", GB, could_offload=could_offload
        )

    assert ("or set model_params.offload: cpu" in str(refused.value)) == could_offload


def scores(directory: Path) -> list[tuple[LabelScores, ...]]:
    picture = np.random.default_rng(1).integers(0, 256, (64, 96, 3), dtype=np.uint8)
    scorer = load_scorer(Loading("qwen3-vl-4b", directory, "sha256:0", "fp16", "cpu", (CANVAS,), 1))
    return scorer.score([Look(picture, QuestionSheet((COUNT_PEOPLE,)))])


def resident(layers: int, kept: list[ModelWeights]) -> Callable[..., ModelWeights]:
    """`load_weights` with fewer layers on the device."""

    def load_fewer(tensor: Any, shape: Any, precision: Any, plain: Any, _: int) -> ModelWeights:
        kept.append(load_weights(tensor, shape, precision, plain, layers))
        return kept[-1]

    return load_fewer


def test_layers_that_come_for_their_turn_say_the_same(tiny_qwen: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected, kept = scores(tiny_qwen), list[ModelWeights]()
    monkeypatch.setattr("watchpost.inference.qwen3_vl.loading.load_weights", resident(1, kept))

    assert scores(tiny_qwen) == expected
    first, second, *_ = kept[0].each_layer()
    assert first is kept[0].layers[0]
    assert second is not kept[0].layers[1]


@pytest.mark.parametrize("experts", [False, True])
def test_every_tensor_of_a_layer_moves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, experts: bool) -> None:
    write_tiny_qwen(tmp_path, experts=experts)
    kept: list[ModelWeights] = []
    monkeypatch.setattr("watchpost.inference.qwen3_vl.loading.load_weights", resident(4, kept))
    scores(tmp_path)

    there = moved(kept[0].layers[0], torch.device("meta"))

    assert len(tensors_in(there)) == len(tensors_in(kept[0].layers[0])) == (9 if experts else 8)
    assert {tensor.device.type for tensor in tensors_in(there)} == {"meta"}
