"""The scorer says where its time goes, on the device that it runs on."""

import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch

from watchpost.inference.questions import COUNT_PEOPLE, QuestionSheet
from watchpost.inference.qwen3_vl.loading import Loading, load_scorer
from watchpost.inference.qwen3_vl.places import Canvas
from watchpost.inference.scorer import Look
from watchpost.inference.stages import Stage

LANDSCAPE, PORTRAIT = Canvas(96, 64), Canvas(64, 96)
SHEET = QuestionSheet((COUNT_PEOPLE,))
DEVICES = ["cpu", *(["cuda:0"] if torch.cuda.is_available() else [])]


@pytest.mark.parametrize("device", DEVICES)
def test_each_batch_tells_of_all_its_stages_and_of_no_more_time_than_passed(tiny_qwen: Path, device: str) -> None:
    told: list[tuple[Stage, float]] = []
    scorer = load_scorer(
        Loading("qwen3-vl-4b", tiny_qwen, "sha256:0", "fp16", device, (LANDSCAPE, PORTRAIT), 4),
        lambda stage, took_s: told.append((stage, took_s)),
    )
    looks = [Look(np.zeros(size, np.uint8), SHEET) for size in ((64, 96, 3), (96, 64, 3))]
    scorer.score(looks)
    told.clear()

    begun_s = time.monotonic()
    scorer.score(looks)
    took_s = time.monotonic() - begun_s

    # a canvas is a batch of its own
    assert Counter(stage for stage, _ in told) == {Stage.PREPROCESS: 2, Stage.VISION: 2, Stage.LANGUAGE: 2}
    assert all(one_s > 0 for _, one_s in told)
    # one after the other on the computing stream; uploads may overlap with it
    assert sum(one_s for stage, one_s in told if stage is not Stage.PREPROCESS) < took_s
