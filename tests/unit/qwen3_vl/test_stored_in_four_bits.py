"""A directory whose weights were stored in 4 bits by the library is read as what they stand for."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from bitsandbytes import functional as bits
from transformers import AutoModelForImageTextToText, BitsAndBytesConfig

from watchpost.inference.questions import COUNT_PEOPLE, QuestionSheet
from watchpost.inference.qwen3_vl.checkpoint import Checkpoint
from watchpost.inference.qwen3_vl.loading import Loading, load_scorer
from watchpost.inference.qwen3_vl.places import Canvas
from watchpost.inference.scorer import Look
from watchpost.models import digest_of_directory, directory_of

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def quantised(tiny_qwen: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """As an operator would write `qwen3-vl-4b-int4`, and the library's model."""
    directory = tmp_path_factory.mktemp("models") / "qwen3-vl-4b-int4"
    kind = BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        llm_int8_skip_modules=["model.visual", "lm_head"],
    )
    model = AutoModelForImageTextToText.from_pretrained(
        tiny_qwen, quantization_config=kind, dtype=torch.bfloat16, device_map="cpu"
    )
    model.save_pretrained(directory)
    shutil.copy(tiny_qwen / "tokenizer.json", directory)
    return directory, model


def test_weights_are_what_the_library_computes_with(quantised: tuple[Path, Any]) -> None:
    directory, model = quantised
    name = "language_model.layers.1.mlp.down_proj.weight"
    theirs = model.model.get_parameter(name)

    ours = Checkpoint(directory).tensor(f"model.{name}", CPU, torch.bfloat16)

    assert ours.shape == (64, 96)
    assert torch.equal(ours, bits.dequantize_4bit(theirs.data, theirs.quant_state).to(torch.bfloat16))
    norm = "model.language_model.norm.weight"
    assert torch.equal(Checkpoint(directory).tensor(norm, CPU, torch.bfloat16), model.get_parameter(norm))


def test_directory_is_whole_and_answers(quantised: tuple[Path, Any]) -> None:
    directory, _ = quantised
    found = directory_of("qwen3-vl-4b", directory.parent, precision="int4")
    canvas = Canvas(96, 64)
    scorer = load_scorer(Loading("qwen3-vl-4b", found, digest_of_directory(found), "int4", "cpu", (canvas,), 1))

    (scores,) = scorer.score([Look(np.zeros((64, 96, 3), np.uint8), QuestionSheet((COUNT_PEOPLE,)))])

    assert found == directory
    assert 0 < scores[0].mass <= 1


def test_packing_again_gives_the_same_four_bits() -> None:
    weight = torch.randn(256, 512, generator=torch.Generator().manual_seed(1)) * 0.08
    packed, state = bits.quantize_4bit(weight, quant_type="nf4", compress_statistics=True)

    again, _ = bits.quantize_4bit(bits.dequantize_4bit(packed, state), quant_type="nf4", compress_statistics=True)

    assert torch.equal(packed, again)
