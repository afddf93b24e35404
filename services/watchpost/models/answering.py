"""Says whether the model in force answers questions in words, so that nobody asks in vain."""

from watchpost.errors import ConfigError
from watchpost.models.choosing import ModelKind, model_in_force
from watchpost.settings import SiteSettings

__all__ = ["ANSWERING_REMEDY", "check_questions", "unanswering_model"]

ANSWERING_REMEDY = "set model_params.model to qwen3-vl-4b or remote"


def unanswering_model(settings: SiteSettings) -> str | None:
    """The name of the model in force where it answers no questions, None where it does.

    Raises ConfigError for a model that nothing here can run.
    """
    chosen = model_in_force(settings)
    return chosen.name if chosen.kind is ModelKind.DETECTOR else None


def check_questions(settings: SiteSettings) -> None:
    """Raise ConfigError where a camera is asked in words what the model in force does not answer."""
    asked = [
        (name, question.name)
        for name in settings.cameras
        for question in settings.camera_spec(name).assignment.questions
    ]
    model = unanswering_model(settings) if asked else None
    if model is not None:
        camera, task = asked[0]
        raise ConfigError(
            f"cameras.{camera}.tasks",
            f"{task!r} is asked in words, and {model} answers none",
            f"{ANSWERING_REMEDY}, or leave it out",
        )
