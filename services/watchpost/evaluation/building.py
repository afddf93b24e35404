"""The one place where an evaluation gets a model that is asked questions."""

from watchpost.inference.analyzers import build_scorer
from watchpost.inference.questions import PromptOrder
from watchpost.inference.scorer import Scorer
from watchpost.settings import SiteSettings

__all__ = ["scorer_of"]


def scorer_of(settings: SiteSettings, order: PromptOrder) -> Scorer:  # noqa: ARG001  a sheet says its order itself
    """The model that the settings name.

    Raises ConfigError for one that is unknown or cannot be asked here, ModelError for one whose files cannot be used.
    """
    return build_scorer(settings)
