"""Every way in which a call fails is one problem, which says what to do and repeats no secret."""

import json
from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from watchpost.api import problems
from watchpost.api.camera_shapes import CameraChange, NewCamera
from watchpost.api.failures import explained
from watchpost.api.problems import PROBLEM_JSON, Problem, ProblemKind, answers, problem, problem_response
from watchpost.api.strict_json import strictly

NEW = TypeAdapter(Annotated[NewCamera, strictly(NewCamera)])
CHANGE = TypeAdapter(Annotated[CameraChange, strictly(CameraChange)])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None)),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(codec=None)), inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize("kind", list(ProblemKind))
def test_every_kind_has_a_client_or_server_error_status_and_is_described(kind: ProblemKind) -> None:
    answer = problem_response(problem(kind, "detail", field="f", remedy="r", headers={"Retry-After": "1"}))

    told = Problem.model_validate_json(bytes(answer.body))
    assert (told.status, answer.media_type, answer.headers["Retry-After"]) == (answer.status_code, PROBLEM_JSON, "1")
    assert answer.status_code >= 400
    assert told.type.endswith(f":{kind}")
    described = answers(kind)[answer.status_code]["content"][PROBLEM_JSON]["examples"][kind.value]["value"]
    Problem.model_validate(described)


def test_kinds_of_one_status_are_described_side_by_side() -> None:
    examples = answers(ProblemKind.FORBIDDEN, ProblemKind.CROSS_SITE)[403]["content"][PROBLEM_JSON]["examples"]

    assert set(examples) == {"forbidden", "cross-site"}


@given(text=st.text(st.characters(codec=None)))
def test_answer_can_be_sent_whatever_the_caller_wrote(text: str) -> None:
    answer = problem_response(problem(ProblemKind.NOT_FOUND, text, field=text))

    assert json.loads(bytes(answer.body))["detail"] == text


@given(body=JSON | st.dictionaries(st.sampled_from([*NewCamera.model_fields]), JSON, max_size=6))
def test_body_of_any_kind_is_taken_or_explained(body: Any) -> None:
    for shape in (NEW, CHANGE):
        try:
            shape.validate_python(body)
        except ValidationError as error:
            told = explained(error.errors())
            assert told.remedy
            assert problem_response(told).status_code in {400, 422}
            assert len(told.detail) < 400


@given(letters=st.text(min_size=7))
def test_password_is_never_repeated(letters: str) -> None:
    secret = f"§{letters}§"
    for body in (
        {"name": "door", "source": "rtsp://h/", "password": [secret]},
        {"name": "door", "source": "rtsp://h/", "password": secret * 40},
        {"name": "door", "source": [f"rtsp://a:{secret}@h/"], "password": secret},
        {"name": {"password": secret}},
    ):
        with pytest.raises(ValidationError) as caught:
            NEW.validate_python(body)
        told = explained(caught.value.errors())
        assert secret not in f"{caught.value} {told} {told.remedy} {told.field}"


def test_misspelt_field_is_told_before_the_one_that_is_missing() -> None:
    with pytest.raises(ValidationError) as caught:
        NEW.validate_python({"name": "door", "sorce": "rtsp://h/"})

    told = explained(caught.value.errors())
    assert (told.field, told.detail) == ("sorce", "there is no such field")


def test_each_problem_is_documented_once() -> None:
    assert set(problems._STATUS_AND_TITLE) == set(ProblemKind)
