"""One pass under a tree mask says what one ordinary pass a question says."""

import pytest
import torch

from tests.unit.qwen3_vl.tiny import Tiny, tiny
from watchpost.inference.qwen3_vl.engine import Engine, Step
from watchpost.inference.qwen3_vl.pixels import patches
from watchpost.inference.qwen3_vl.places import Canvas
from watchpost.inference.qwen3_vl.sheets import SheetTokens
from watchpost.inference.qwen3_vl.slots import SlotTables

CANVAS = Canvas(96, 64)
SHEETS = (
    SheetTokens(tuple(range(100, 130)), (7, 8, 9, 10, 11, 12), ((20, 30), (21, 30), (22, 30)), ((40, 41, 42),) * 3),
    SheetTokens(tuple(range(500, 517)), (7, 8, 9, 10, 11, 12), ((23, 30), (24, 30)), ((43, 44), (45, 46))),
)


def engine_of(made: Tiny) -> Engine:
    tables = SlotTables.empty(made.model.shape.text, 3, 64, 2, torch.device("cpu"), torch.float32)
    return Engine(made.model, tables, captures=False)


def pictures_of(seed: int, count: int) -> torch.Tensor:
    drawn = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (count, 2, 64, 96, 3), generator=drawn, dtype=torch.uint8)


def ordinary(made: Tiny, pictures: torch.Tensor, sheet: SheetTokens, question: int) -> torch.Tensor:
    """The library's own pass over prefix, picture, tail and one suffix: log probabilities of the labels."""
    config = made.config
    ids = torch.tensor([[*sheet.prefix, *[config.image_token_id] * 6, *sheet.tail, *sheet.suffixes[question]]])
    pixels = patches(pictures[None], made.model.shape.vision, torch.float32).reshape(-1, 1536)
    logits = made.library(
        input_ids=ids,
        attention_mask=torch.ones_like(ids),
        mm_token_type_ids=(ids == config.image_token_id).long(),
        pixel_values=pixels,
        image_grid_thw=torch.tensor([[1, 4, 6]]),
    ).logits[0, -1]
    return torch.log_softmax(logits, -1)[list(sheet.labels[question])]


@pytest.mark.parametrize("experts", [False, True])
@torch.inference_mode()
def test_pass_over_all_questions_equals_one_pass_a_question(experts: bool) -> None:  # noqa: FBT001  a parameter of pytest
    made = tiny(experts=experts)
    engine = engine_of(made)
    engine.keep(2, SHEETS[0])
    engine.keep(0, SHEETS[1])
    pictures = pictures_of(3, 3)

    # pictures of two sheets in one batch
    answers = engine.run(Step(CANVAS, 3, 6, 3), pictures, torch.tensor([2, 0, 2], dtype=torch.int32))

    for picture, sheet in ((0, SHEETS[0]), (1, SHEETS[1]), (2, SHEETS[0])):
        for question, labels in enumerate(sheet.labels):
            expected = ordinary(made, pictures[picture], sheet, question)
            assert torch.allclose(answers[picture, question, : len(labels)], expected, atol=1e-5, rtol=0)


@torch.inference_mode()
def test_sheet_that_takes_a_slot_over_leaves_nothing_of_the_one_before() -> None:
    made = tiny()
    engine = engine_of(made)
    pictures = pictures_of(4, 1)
    slot = torch.zeros(1, dtype=torch.int32)
    engine.keep(0, SHEETS[0])
    engine.run(Step(CANVAS, 1, 6, 3), pictures, slot)

    engine.keep(0, SHEETS[1])

    answers = engine.run(Step(CANVAS, 1, 6, 2), pictures, slot)
    expected = ordinary(made, pictures[0], SHEETS[1], 1)
    assert torch.allclose(answers[0, 1, :2], expected, atol=1e-5, rtol=0)


@torch.inference_mode()
def test_earlier_picture_of_a_pair_changes_the_answers() -> None:
    made = tiny()
    engine = engine_of(made)
    engine.keep(0, SHEETS[0])
    slot = torch.zeros(1, dtype=torch.int32)
    pictures = pictures_of(5, 1)
    alone = pictures.clone()
    alone[:, 0] = alone[:, 1]

    paired = engine.run(Step(CANVAS, 1, 6, 3), pictures, slot)
    single = engine.run(Step(CANVAS, 1, 6, 3), alone, slot)

    assert (paired - single).abs().max() > 1e-3
