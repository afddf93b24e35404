"""The tiny model is what the library takes for a Qwen3-VL, down to its processor and its template."""

from pathlib import Path
from string import ascii_uppercase

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import AutoConfig, AutoModelForImageTextToText, AutoProcessor, AutoTokenizer

from tests.fakes.tiny_qwen import write_tiny_qwen
from watchpost.inference.questions import COUNT_PEOPLE, FALLEN_PERSON, AskedQuestion, QuestionSheet
from watchpost.inference.qwen3_vl.loading import Loading, load_scorer
from watchpost.inference.qwen3_vl.places import Canvas
from watchpost.inference.scorer import LabelScores, Look

PICTURE = np.random.default_rng(1).integers(0, 256, (64, 96, 3), dtype=np.uint8)


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


@pytest.mark.parametrize("experts", [False, True])
@pytest.mark.parametrize("shards", [1, 3])
def test_library_loads_every_tensor_and_misses_none(tmp_path: Path, shards: int, *, experts: bool) -> None:
    write_tiny_qwen(tmp_path, experts=experts, shards=shards)

    model, said = AutoModelForImageTextToText.from_pretrained(tmp_path, output_loading_info=True)

    assert type(model).__name__ == AutoConfig.from_pretrained(tmp_path).architectures[0]
    assert not [problem for problem in said.values() if problem]


def test_librarys_processor_puts_a_chat_with_a_picture_to_the_model(tiny_qwen: Path) -> None:
    processor = AutoProcessor.from_pretrained(tiny_qwen)
    asked = [{"type": "image", "image": Image.fromarray(PICTURE)}, {"type": "text", "text": "Is a dog there?"}]

    prompt = processor.apply_chat_template(
        [{"role": "user", "content": asked}],
        tokenize=True,
        return_dict=True,
        return_tensors="pt",
        add_generation_prompt=True,
    )

    with torch.inference_mode():
        logits = AutoModelForImageTextToText.from_pretrained(tiny_qwen)(**prompt).logits
    assert logits.isfinite().all()
    assert processor.decode(prompt["input_ids"][0]).endswith("Is a dog there?<|im_end|>\n<|im_start|>assistant\n")


def test_answers_and_special_tokens_are_one_token_each(tiny_qwen: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny_qwen)
    config = AutoConfig.from_pretrained(tiny_qwen)

    words = ["Yes", "No", *"0123456789", *ascii_uppercase, "<|im_start|>", "<|im_end|>", "<|endoftext|>"]

    assert all(len(tokenizer(word)["input_ids"]) == 1 for word in words)
    assert tokenizer("<|image_pad|>")["input_ids"] == [config.image_token_id]
    assert tokenizer("<|video_pad|>")["input_ids"] == [config.video_token_id]
    assert tokenizer("<|vision_start|>")["input_ids"] == [config.vision_start_token_id]
    assert tokenizer("<|vision_end|>")["input_ids"] == [config.vision_end_token_id]
    assert len(tokenizer) <= config.text_config.vocab_size < 2000


def test_eight_questions_fit_what_is_kept_of_a_sheet(tiny_qwen: Path) -> None:
    more = [AskedQuestion(f"task_{n}", "Is a dog without a leash in the picture?") for n in range(6)]
    sheet = QuestionSheet((COUNT_PEOPLE, FALLEN_PERSON, *more))

    assert len(AutoTokenizer.from_pretrained(tiny_qwen)(sheet.prefix)["input_ids"]) < 512


def test_experts_are_the_same_as_published_and_as_the_library_writes_them(tmp_path: Path) -> None:
    published, rewritten = tmp_path / "published", tmp_path / "rewritten"
    write_tiny_qwen(published, experts=True)
    AutoModelForImageTextToText.from_pretrained(published).save_pretrained(rewritten)
    (rewritten / "tokenizer.json").write_bytes((published / "tokenizer.json").read_bytes())

    assert _scores(published) == _scores(rewritten)


def _scores(directory: Path) -> tuple[LabelScores, ...]:
    canvas = Canvas(96, 64)
    scorer = load_scorer(Loading("qwen3-vl-30b", directory, "sha256:0", "fp16", "cpu", (canvas,), 1))
    return scorer.score([Look(PICTURE, QuestionSheet((COUNT_PEOPLE,)))])[0]
