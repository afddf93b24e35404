"""Says what a caller's `tasks` ask of this site, which knows its own tasks in words and what its model can answer."""

from collections.abc import Iterable

from watchpost.api.problems import ProblemKind, problem
from watchpost.contracts.records import Question
from watchpost.errors import CallError, ConfigError
from watchpost.models import ANSWERING_REMEDY, unanswering_model
from watchpost.settings import Asked, SiteSettings, TaskSettings
from watchpost.settings.tasks import asked_of

__all__ = ["asked_by_caller"]

_FIELD = "tasks"


def asked_by_caller(
    settings: SiteSettings, items: Iterable[str | TaskSettings], cameras_own: Iterable[Question] = ()
) -> Asked:
    """What these names and questions ask.

    `cameras_own` are known by name beside the site's, and may be written out anew.

    Raises:
        CallError: a task that there is not, or a question that nobody would answer.
    """
    every = tuple(items)
    written = {item.name for item in every if isinstance(item, TaskSettings)}
    own = {question.name: question for question in cameras_own if question.name not in written}
    try:
        asked = asked_of(every, {**settings.questions, **own}, _FIELD)
    except ConfigError as error:
        raise _refused(error) from None
    model = _unanswering(settings) if asked.questions else None
    if model is not None:
        raise problem(
            ProblemKind.INVALID_REQUEST,
            f"{asked.questions[0].name!r} is asked in words, and this site's {model} answers none",
            field=_FIELD,
            remedy=f"leave it out, or have the operator {ANSWERING_REMEDY}",
        )
    return asked


def _refused(error: ConfigError) -> CallError:
    kind = ProblemKind.UNKNOWN_TASK if error.problem.endswith("is no task") else ProblemKind.INVALID_REQUEST
    return problem(kind, error.problem, field=error.key, remedy=error.remedy)


def _unanswering(settings: SiteSettings) -> str | None:
    try:
        return unanswering_model(settings)
    except ConfigError:
        return None  # the inference service says so, to whom it concerns
