"""A model's directory becomes a scorer, or a clear error."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModelForImageTextToText, AutoTokenizer

from benchmarks.qwen3_vl.shapes import CONFIGS
from tests.fakes.tiny_qwen import write_tiny_qwen
from watchpost.errors import ConfigError, ModelError
from watchpost.inference.questions import COUNT_PEOPLE, AskedQuestion, PromptOrder, QuestionSheet
from watchpost.inference.qwen3_vl.checkpoint import Checkpoint
from watchpost.inference.qwen3_vl.loading import Loading, load_scorer
from watchpost.inference.qwen3_vl.memory import MemoryNeed, check_fits, memory_need
from watchpost.inference.qwen3_vl.pixels import patches
from watchpost.inference.qwen3_vl.places import Canvas
from watchpost.inference.qwen3_vl.projections import Precision
from watchpost.inference.qwen3_vl.scorer import Qwen3VlScorer
from watchpost.inference.qwen3_vl.shapes import ModelShape
from watchpost.inference.qwen3_vl.sheets import parts_of
from watchpost.inference.scorer import Look

CANVAS = Canvas(96, 64)
QUESTIONS = (COUNT_PEOPLE, AskedQuestion("dog_loose", "Is a dog without a leash in the picture?"))


def picture(seed: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.random.default_rng(seed).integers(0, 256, (64, 96, 3), dtype=np.uint8)


def loaded(directory: Path, largest_batch: int = 4) -> Qwen3VlScorer:
    return load_scorer(Loading("qwen3-vl-4b", directory, "sha256:0", "fp16", "cpu", (CANVAS,), largest_batch))


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("models") / "qwen3-vl-4b"
    write_tiny_qwen(directory)
    return directory


@pytest.mark.parametrize("experts", [False, True])
@pytest.mark.parametrize("order", list(PromptOrder))
def test_scores_equal_the_librarys_own_pass_over_the_whole_prompt(
    tmp_path: Path, order: PromptOrder, *, experts: bool
) -> None:
    write_tiny_qwen(tmp_path, experts=experts)
    sheet = QuestionSheet(QUESTIONS, order)

    scores = loaded(tmp_path).score([Look(picture(1), sheet), Look(picture(2), sheet)])

    library = AutoModelForImageTextToText.from_pretrained(tmp_path, dtype=torch.float32).eval()
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    shape = ModelShape.from_config(json.loads((tmp_path / "config.json").read_text()))
    for index, seed in enumerate((1, 2)):
        for number, question in enumerate(QUESTIONS):
            text = f"{sheet.prefix}{'<|image_pad|>' * 6}{sheet.tail}{sheet.suffixes[number]}"
            ids = tokenizer(text, return_tensors="pt", add_special_tokens=False)["input_ids"]
            seen = torch.from_numpy(picture(seed))
            pixels = patches(torch.stack([seen, seen])[None], shape.vision, torch.float32)[0]
            with torch.inference_mode():
                logits = library(
                    input_ids=ids,
                    mm_token_type_ids=(ids == library.config.image_token_id).long(),
                    pixel_values=pixels,
                    image_grid_thw=torch.tensor([[1, 4, 6]]),
                ).logits[0, -1]
            expected = torch.log_softmax(logits, -1)[tokenizer.convert_tokens_to_ids(list(question.kind.words))]
            assert scores[index][number].log_probabilities == pytest.approx(expected.tolist(), abs=1e-5)


def test_more_looks_and_sheets_than_fit_at_once_are_all_scored(tiny: Path) -> None:
    sheets = [QuestionSheet((AskedQuestion(f"task_{n}", f"Is it {n}?"),)) for n in range(11)]
    looks = [Look(picture(n), sheets[n % 11]) for n in range(25)]
    scorer = loaded(tiny)

    together = scorer.score(looks)

    alone = [loaded(tiny, 1).score([look])[0] for look in looks[8:14]]
    for at_once, by_itself in zip(together[8:14], alone, strict=True):
        assert at_once[0].log_probabilities == pytest.approx(by_itself[0].log_probabilities, abs=1e-5)
    assert len(together) == 25
    assert all(len(scores) == 1 for scores in together)


def test_questions_too_long_by_themselves_are_refused_every_time_and_others_answered(tiny: Path) -> None:
    scorer = loaded(tiny)
    long = QuestionSheet(tuple(AskedQuestion(f"task_{n}", f"Is it {n}?" * 80) for n in range(16)))
    short = Look(picture(1), QuestionSheet(QUESTIONS))

    for _ in range(2):
        with pytest.raises(ConfigError, match=r"tasks: the questions are .* tokens together"):
            scorer.score([short, Look(picture(1), long)])

    assert scorer.score([short]) == loaded(tiny).score([short])


def test_sixteen_long_questions_are_answered_in_as_many_passes_as_it_takes(tiny: Path) -> None:
    scorer, words = loaded(tiny), "is the person in the picture on the ground or floor "
    sheet = QuestionSheet(tuple(AskedQuestion(f"task_{n}", f"{n} {words * 5}"[:300]) for n in range(16)))
    parts = parts_of(sheet, Checkpoint(tiny).tokenize(), 512)

    scores = scorer.score(
        [Look(picture(1), sheet), Look(picture(2), QuestionSheet(QUESTIONS)), Look(picture(3), sheet)]
    )

    assert len(parts) > 1
    assert [len(its) for its in scores] == [16, 2, 16]
    for place, seed in ((0, 1), (2, 3)):
        apart = [one for part in parts for one in loaded(tiny).score([Look(picture(seed), part)])[0]]
        for together, alone in zip(scores[place], apart, strict=True):
            assert together.log_probabilities == pytest.approx(alone.log_probabilities, abs=1e-5)


def test_prepared_scorer_says_what_another_says(tiny: Path) -> None:
    look = Look(picture(4), QuestionSheet(QUESTIONS))
    prepared = loaded(tiny)

    prepared.prepare(QuestionSheet((COUNT_PEOPLE,)), CANVAS, (1, 4))

    assert prepared.score([look]) == loaded(tiny).score([look])


def test_weights_cut_short_are_refused(tmp_path: Path) -> None:
    write_tiny_qwen(tmp_path)
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])

    with pytest.raises(ModelError, match=r"model\.safetensors cannot be read.*copy the whole model directory"):
        loaded(tmp_path)


def test_config_of_another_architecture_is_refused(tmp_path: Path) -> None:
    write_tiny_qwen(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text()) | {"model_type": "llava"}
    (tmp_path / "config.json").write_text(json.dumps(config))

    with pytest.raises(ModelError, match="model_type is 'llava'"):
        loaded(tmp_path)


def test_tokenizer_that_splits_an_answer_is_refused(tmp_path: Path) -> None:
    write_tiny_qwen(tmp_path, whole_words=False)

    with pytest.raises(ModelError, match="'Yes' is 3 tokens"):
        loaded(tmp_path)


@pytest.mark.parametrize(
    ("name", "precision", "gb"),
    [
        # what an H200 held after loading, but for the last: 30B of 16 bits is as published
        ("4b", Precision.BF16, 8.93),
        ("4b", Precision.FP8, 4.84),
        ("4b", Precision.NF4, 3.49),
        ("8b", Precision.BF16, 17.54),
        ("8b", Precision.NF4, 7.24),
        ("30b", Precision.BF16, 62.0),
    ],
)
def test_weights_need_is_what_was_measured(name: str, precision: Precision, gb: float) -> None:
    need = memory_need(ModelShape.from_config(CONFIGS[name]), precision, Canvas(640, 352), 8, 4096)

    assert need.weights / 1e9 == pytest.approx(gb, rel=0.02)


def test_model_too_large_for_the_machines_memory_is_refused(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("watchpost.inference.qwen3_vl.loading._free_host_bytes", lambda: 1_000_000)

    with pytest.raises(ConfigError, match=r"qwen3-vl-4b in fp32 needs .* and this machine has 0\.0 GB free"):
        loaded(tiny)


def test_model_too_large_for_the_card_is_refused_with_numbers_and_what_fits() -> None:
    needs = {"fp16": MemoryNeed(17_500_000_000, 400_000_000, 2_000_000_000), "int4": MemoryNeed(7_200_000_000, 0, 0)}

    with pytest.raises(ConfigError) as refused:
        check_fits("qwen3-vl-8b", "cuda:0", needs, "fp16", 15_800_000_000)

    assert "needs 19.9 GB (weights 17.5 GB" in str(refused.value)
    assert "cuda:0 has 15.8 GB free" in str(refused.value)
    assert "use int4 (7.2 GB)" in str(refused.value)
