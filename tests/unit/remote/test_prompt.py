"""What a server is asked: the local model's prompt to the letter, or one that needs no begun answer."""

import pytest

from tests.fakes.openai_server import PICTURE, rendered
from watchpost.inference.questions import COUNT_PEOPLE, FALLEN_PERSON, AskedQuestion, PromptOrder, QuestionSheet
from watchpost.inference.remote.prompt import chat_request

QUESTIONS = (COUNT_PEOPLE, FALLEN_PERSON, AskedQuestion("dog_loose", "Is a dog without a leash in the picture?"))


@pytest.mark.parametrize("order", PromptOrder)
@pytest.mark.parametrize("question", range(3))
def test_prompt_with_a_begun_answer_is_the_sheets_own(order: PromptOrder, question: int) -> None:
    sheet = QuestionSheet(QUESTIONS, order)

    body = chat_request(sheet, question, "data:", "m", prefill=True)

    assert rendered(body) == f"{sheet.prefix}<|image_pad|>{sheet.tail}{sheet.suffixes[question]}"
    assert (body["continue_final_message"], body["add_generation_prompt"]) == (True, False)


@pytest.mark.parametrize("order", PromptOrder)
def test_prompts_of_one_picture_differ_only_after_it(order: PromptOrder) -> None:
    sheet = QuestionSheet(QUESTIONS, order)

    prompts = [rendered(chat_request(sheet, question, "data:", "m", prefill=False)) for question in range(3)]

    assert len({prompt.partition(PICTURE)[0] for prompt in prompts}) == 1
    assert "question C alone" in prompts[2].partition(PICTURE)[2]
    assert all(prompt.endswith("<|im_start|>assistant\n") for prompt in prompts)


@pytest.mark.parametrize("prefill", [True, False])
def test_answers_are_never_forced(prefill: bool) -> None:  # noqa: FBT001  (a parameter of the test)
    body = chat_request(QuestionSheet(QUESTIONS), 0, "data:", "m", prefill=prefill)

    assert {"guided_choice", "structured_outputs", "response_format", "logit_bias"}.isdisjoint(body)
    assert (body["max_tokens"], body["logprobs"], body["top_logprobs"], body["temperature"]) == (1, True, 20, 0)
