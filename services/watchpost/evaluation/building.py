"""The one place where an evaluation gets a model that is asked questions."""

from typing import cast

from watchpost.errors import ConfigError
from watchpost.inference import analyzers
from watchpost.inference.questions import PromptOrder
from watchpost.inference.scorer import Scorer
from watchpost.models import choose_model, load_catalogue
from watchpost.settings import SiteSettings

__all__ = ["scorer_of"]


def scorer_of(settings: SiteSettings, order: PromptOrder) -> Scorer:
    """The model that the settings name.

    Raises ConfigError for one that is unknown or cannot be asked here, ModelError for one whose files cannot be used.
    """
    build = getattr(analyzers, "build_scorer", None)
    if build is None:
        chosen = choose_model(settings.model_params, load_catalogue(settings.models_catalogue))
        raise ConfigError("model_params.model", f"{chosen.name} weighs no answers", "name a model that is asked")
    return cast("Scorer", build(settings, order=order))
