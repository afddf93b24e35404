"""What a caller may ask in words: the site's own tasks by name, others written out, and nothing that nobody answers."""

from typing import Any

import pytest
from pydantic import ValidationError

from tests.fakes.specs import assignment
from watchpost.api import asking
from watchpost.api.analyze_requests import AnalyzeRequest, WatchQuery
from watchpost.api.asking import asked_by_caller
from watchpost.api.call_wishes import joint_assignment
from watchpost.api.failures import explained
from watchpost.api.window import types_of
from watchpost.contracts.records import EventType, Question, Task
from watchpost.errors import CallError
from watchpost.settings import SiteSettings, TaskSettings, settings_from

DOG = Question("dog_loose", "Is a dog without a leash in the picture?", 0.5)
CAT = Question("cat", "Is there a cat?", 0.7)
LISTED = {"name": DOG.name, "question": DOG.question}
CATS = TaskSettings(name=CAT.name, question=CAT.question, threshold=CAT.threshold)


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> SiteSettings:
    """Of a site with a task in words, whose model answers."""
    monkeypatch.setattr(asking, "unanswering_model", lambda _settings: None)
    return settings_from({"tasks": [LISTED]})


def requested(*tasks: Any) -> AnalyzeRequest:
    return AnalyzeRequest.model_validate({"stream_url": "rtsp://10.0.0.5/live", "tasks": list(tasks)})


def test_names_and_questions_are_asked_each_once(settings: SiteSettings) -> None:
    items = requested("person_detection", "dog_loose", CATS.model_dump(), "dog_loose", LISTED).tasks

    asked = asked_by_caller(settings, items)

    assert asked.tasks == ("person_detection", "dog_loose", "cat")
    assert asked.questions == (DOG, CAT)


def test_query_holds_a_question_as_json() -> None:
    query = WatchQuery.model_validate({"camera": "door", "tasks": ["person_detection", CATS.model_dump_json()]})

    assert query.tasks == ["person_detection", CATS]


def test_task_that_nobody_knows_is_refused_with_those_that_are_known(settings: SiteSettings) -> None:
    with pytest.raises(CallError) as caught:
        asked_by_caller(settings, ["person_detection", "cats"])

    assert (caught.value.kind, caught.value.field) == ("unknown-task", "tasks.1")
    assert "person_detection, abnormal_behavior, dog_loose" in (caught.value.remedy or "")


def test_name_of_the_site_s_own_cannot_be_given_to_another_question(settings: SiteSettings) -> None:
    other = TaskSettings(name=DOG.name, question="Is there a dog?")

    with pytest.raises(CallError, match="stands for another question") as caught:
        asked_by_caller(settings, [other])

    assert (caught.value.kind, caught.value.field) == ("invalid-request", "tasks.0")


def test_camera_s_own_question_is_known_by_its_name_and_may_be_written_anew(settings: SiteSettings) -> None:
    anew = TaskSettings(name=CAT.name, question="Is there a black cat?")

    assert asked_by_caller(settings, ["cat"], [CAT]).questions == (CAT,)
    assert asked_by_caller(settings, [anew], [CAT]).questions == (anew.record,)


def test_question_that_the_site_s_model_does_not_answer_is_refused() -> None:
    with pytest.raises(CallError, match="yolox-nano answers none") as caught:
        asked_by_caller(settings_from({}), ["person_detection", CATS])

    assert (caught.value.kind, caught.value.field) == ("invalid-request", "tasks")
    assert "qwen3-vl-4b" in (caught.value.remedy or "")


@pytest.mark.parametrize(
    ("task", "field", "said"),
    [
        (3, "tasks.0", "neither a name nor a question"),
        (None, "tasks.0", "neither a name nor a question"),
        ({"name": "dog"}, "tasks.0.question", "is missing"),
        ({**LISTED, "treshold": 1}, "tasks.0.treshold", "no such field"),
        ({**LISTED, "threshold": 1.5}, "tasks.0.threshold", "less than 1"),
        ({**LISTED, "threshold": "0.5"}, "tasks.0.threshold", "valid number"),
        ({**LISTED, "name": "fall_detected"}, "tasks.0.name", "built in"),
        ({**LISTED, "question": "A dog?\nA cat?"}, "tasks.0.question", "is no question"),
    ],
)
def test_malformed_task_is_named_without_repeating_it(task: Any, field: str, said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        requested(task)

    problem = explained(caught.value.errors())
    assert (problem.kind, problem.field) == ("invalid-request", field)
    assert said in problem.detail
    assert problem.remedy


def test_calls_that_share_a_camera_have_all_their_questions_asked() -> None:
    joint = joint_assignment([assignment(Task.PERSON_DETECTION, questions=(DOG,)), assignment(questions=(CAT, DOG))])

    assert joint.questions == (CAT, DOG)
    assert {"cat", "dog_loose", *Task} == set(joint.tasks)


def test_events_of_tasks_in_words_are_told_by_their_names() -> None:
    assert types_of(["person_detection", "dog_loose"]) == {"dog_loose"}
    assert types_of(["abnormal_behavior", "dog_loose"]) >= {"dog_loose", EventType.FALL_DETECTED, EventType.CROWD}
    assert types_of(["person_detection"]) == frozenset()
