"""A sheet of questions as a model's own tokens: in parts that it can keep, every answer one token."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchpost.contracts.asking import MOST_QUESTION_BYTES, MOST_QUESTIONS
from watchpost.errors import ModelError
from watchpost.inference.questions import COUNT_PEOPLE, AskedQuestion, PromptOrder, QuestionSheet
from watchpost.inference.qwen3_vl.sheets import check_answers, parts_of

CAPACITY = 900


def byte_by_byte(text: str) -> list[int]:
    """The worst that a tokenizer can do."""
    return list(text.encode())


def longest(sheet: QuestionSheet) -> int:
    return max(len(byte_by_byte(sheet.prefix)), len(byte_by_byte(sheet.tail)))


def sheets() -> st.SearchStrategy[QuestionSheet]:
    texts = st.lists(st.text("abc 狗", min_size=3, max_size=133), min_size=1, max_size=MOST_QUESTIONS)
    return st.builds(
        lambda found, order: QuestionSheet(
            tuple(AskedQuestion(f"task_{n}", text) for n, text in enumerate(found)), order
        ),
        texts,
        st.sampled_from(PromptOrder),
    )


@given(sheets())
def test_parts_hold_every_question_in_its_order_and_each_fits(sheet: QuestionSheet) -> None:
    parts = parts_of(sheet, byte_by_byte, CAPACITY)

    assert tuple(question for part in parts for question in part.questions) == sheet.questions
    assert all(longest(part) <= CAPACITY for part in parts)
    assert {part.order for part in parts} == {sheet.order}
    if longest(sheet) <= CAPACITY:
        assert parts == (sheet,)


@given(sheets())
def test_no_part_has_room_for_the_question_after_it(sheet: QuestionSheet) -> None:
    parts = parts_of(sheet, byte_by_byte, CAPACITY)

    for part, following in pairwise(parts):
        assert longest(QuestionSheet((*part.questions, following.questions[0]), sheet.order)) > CAPACITY


def test_question_too_long_by_itself_stands_alone() -> None:
    long = AskedQuestion("long", "x" * CAPACITY)

    parts = parts_of(QuestionSheet((COUNT_PEOPLE, long, COUNT_PEOPLE)), byte_by_byte, CAPACITY)

    assert [part.questions for part in parts] == [(COUNT_PEOPLE,), (long,), (COUNT_PEOPLE,)]


def test_longest_question_that_settings_take_fits_beside_the_instruction() -> None:
    """A token is a byte at least; of the instruction, which is English, Qwen's makes one of four or five letters."""
    question = AskedQuestion("longest", "x" * MOST_QUESTION_BYTES)
    around = len(byte_by_byte(QuestionSheet((question,)).prefix)) - MOST_QUESTION_BYTES

    assert MOST_QUESTION_BYTES + around / 2.5 <= 512


@pytest.mark.parametrize(
    ("tokens", "says"),
    [
        ({"M": [1, 2]}, "the answer 'M' is 2 tokens of this model's tokenizer"),
        ({"No": []}, "the answer 'No' is 0 tokens"),
        ({"7": [3], "3": [3]}, "the answers '3' and '7' are the same token"),
    ],
)
def test_answer_without_a_token_of_its_own_is_named(tokens: dict[str, list[int]], says: str) -> None:
    def tokenize(text: str) -> list[int]:
        return tokens.get(text, [sum(text.encode()) * 100])

    with pytest.raises(ModelError, match=says):
        check_answers(tokenize)
