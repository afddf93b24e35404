"""What is asked of a frame, by what was asked of its camera."""

from functools import lru_cache

from watchpost.contracts.records import Assignment, Question, Task
from watchpost.inference.questions import COUNT_PEOPLE, FALLEN_PERSON, AskedQuestion, PromptOrder, QuestionSheet

__all__ = ["asks_for_bodies", "sheet_of"]


def asks_for_bodies(assignment: Assignment) -> bool:
    """Whether boxes and postures are made use of: by falls and zones, which are that one task's.

    Zones without it say nothing, counts and answers in words are the model's.
    """
    return Task.ABNORMAL_BEHAVIOR in assignment.tasks


# a model keeps what it made of a sheet for all pictures: cameras with the same tasks get the same one
@lru_cache(maxsize=256)
def sheet_of(
    tasks: tuple[str, ...],
    questions: tuple[Question, ...],
    *,
    asks_falls: bool,
    order: PromptOrder = PromptOrder.QUESTIONS_FIRST,
) -> QuestionSheet | None:
    """The questions for these tasks of an assignment; None where there are none.

    Args:
        tasks: names, as `Assignment.tasks`; those of `questions` need not stand among them.
        questions: the tasks in words.
        asks_falls: whether the model is to say who lies there: nobody else sees it.
        order: how they are put.

    """
    asked: list[AskedQuestion] = []
    if Task.PERSON_DETECTION in tasks:
        asked.append(COUNT_PEOPLE)
    if asks_falls and Task.ABNORMAL_BEHAVIOR in tasks:
        asked.append(FALLEN_PERSON)
    asked += [AskedQuestion(question.name, question.question) for question in questions]
    return QuestionSheet(tuple(asked), order) if asked else None
