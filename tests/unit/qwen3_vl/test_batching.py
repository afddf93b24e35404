"""Looks are dealt into batches that the engine has graphs for."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from watchpost.inference.questions import COUNT_PEOPLE, AskedQuestion, QuestionSheet
from watchpost.inference.qwen3_vl.batching import BATCH_SIZES, batches
from watchpost.inference.qwen3_vl.canvases import DEFAULT_CANVASES, canvas_for
from watchpost.inference.qwen3_vl.places import Canvas
from watchpost.inference.scorer import Look

PICTURE = np.zeros((32, 32, 3), np.uint8)
SHEETS = [
    QuestionSheet((COUNT_PEOPLE, *(AskedQuestion(f"task_{i}", f"Is it {kind}?") for i in range(kind))))
    for kind in range(12)
]


@given(
    st.lists(st.tuples(st.sampled_from(SHEETS), st.sampled_from(DEFAULT_CANVASES)), max_size=60),
    st.sampled_from(BATCH_SIZES),
)
def test_every_look_is_in_one_batch_that_suits_it(asked: list[tuple[QuestionSheet, Canvas]], largest: int) -> None:
    looks = [(Look(PICTURE, sheet), canvas, 6) for sheet, canvas in asked]

    dealt = batches(looks, largest, most_sheets=4)

    assert sorted(index for batch in dealt for index in batch.looks) == list(range(len(looks)))
    for batch in dealt:
        assert len(batch.looks) <= batch.step.batch <= largest
        assert batch.step.batch in BATCH_SIZES
        assert len({looks[index][0].sheet for index in batch.looks}) <= 4
        for index in batch.looks:
            assert looks[index][1] == batch.step.canvas
            assert len(looks[index][0].sheet.questions) <= batch.step.questions


def test_canvas_is_the_smallest_of_the_aspect_that_holds_the_picture() -> None:
    assert canvas_for(640, 360, DEFAULT_CANVASES) == Canvas(640, 352)
    assert canvas_for(1280, 720, DEFAULT_CANVASES) == Canvas(1280, 704)
    assert canvas_for(3840, 2160, DEFAULT_CANVASES) == Canvas(1280, 704)
    assert canvas_for(768, 576, DEFAULT_CANVASES) == Canvas(640, 480)
    assert canvas_for(720, 1280, DEFAULT_CANVASES) == Canvas(704, 1280)
    assert canvas_for(300, 100, DEFAULT_CANVASES).width_px == 640
