"""From a server's tokens to the weights of a question's words."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchpost.inference.questions import AnswerKind
from watchpost.inference.remote.answers import label_scores, no_evidence, top_of


def shares(top: dict[str, float], kind: AnswerKind = AnswerKind.YES_NO) -> list[float]:
    """The labels' probabilities, of tokens with their probabilities."""
    scores = label_scores({token: math.log(share) for token, share in top.items()}, kind)
    return [math.exp(value) for value in scores.log_probabilities]


def body(*tokens: tuple[str, Any]) -> dict[str, Any]:
    """A chat completion whose first token might have been any of these."""
    listed = [{"token": token, "logprob": logprob} for token, logprob in tokens]
    return {"choices": [{"logprobs": {"content": [{**listed[0], "top_logprobs": listed}]}}]}


def test_words_are_weighed_as_they_stand() -> None:
    assert shares({"Yes": 0.7, "No": 0.2, "A": 0.1}) == pytest.approx([0.7, 0.2])


def test_words_with_a_space_or_in_another_case_count_as_well() -> None:
    assert shares({"Yes": 0.5, " Yes": 0.2, "yes": 0.1, " NO": 0.1, "Nobody": 0.1}) == pytest.approx([0.8, 0.1])


def test_word_that_is_not_among_the_tokens_is_at_most_the_least_of_them() -> None:
    assert shares({"Yes": 0.6, "a": 0.2, "b": 0.01}) == pytest.approx([0.6, 0.01])


def test_words_that_are_not_among_the_tokens_share_what_is_left() -> None:
    found = shares({"1": 0.9, "2": 0.09}, AnswerKind.COUNT)

    assert found[1:3] == pytest.approx([0.9, 0.09])
    assert sum(found) == pytest.approx(1.0)
    assert found[0] == found[9] == pytest.approx(0.01 / 9)


@given(st.lists(st.floats(0.001, 1), min_size=2, max_size=20), st.sampled_from(AnswerKind))
def test_mass_is_a_share_whatever_a_server_gives(weights: list[float], kind: AnswerKind) -> None:
    words = (*kind.words, *(f"t{place}" for place in range(20)))
    total = sum(weights) * 1.01
    top = {word: math.log(weight / total) for word, weight in zip(words, weights, strict=False)}

    scores = label_scores(top, kind)

    assert len(scores.log_probabilities) == len(kind.labels)
    assert 0 < math.fsum(math.exp(value) for value in scores.log_probabilities) <= 1 + 1e-9


def test_tokens_are_read_with_the_one_that_was_chosen() -> None:
    assert top_of(body(("Yes", -0.1), ("No", -2.5), ("x", -9999.0))) == {"Yes": -0.1, "No": -2.5, "x": -30.0}


@pytest.mark.parametrize(
    "answer",
    [
        None,
        [],
        {},
        {"choices": []},
        {"choices": [{"logprobs": None}]},
        {"choices": [{"logprobs": {"content": []}}]},
        {"choices": [{"logprobs": {"content": [{"token": "Yes", "logprob": -0.1, "top_logprobs": []}]}}]},
        body(("Yes", "much")),
        body(("Yes", float("nan"))),
    ],
)
def test_answer_without_such_tokens_is_told_from_one_with_them(answer: Any) -> None:
    assert top_of(answer) is None


def test_picture_that_was_not_looked_at_has_no_mass() -> None:
    assert no_evidence(AnswerKind.COUNT).mass < 1e-9
