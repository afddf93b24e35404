"""Which analyzer the settings ask for."""

import structlog

from watchpost.inference.analyzer import Analyzer
from watchpost.inference.yolox import load_yolox
from watchpost.models import check_questions, choose_model, default_models_dir, load_catalogue
from watchpost.settings import Scope, SiteSettings, version_of

__all__ = ["build_analyzer"]

_LOG = structlog.get_logger()


def build_analyzer(settings: SiteSettings) -> Analyzer:
    """The analyzer of `model_params.model`, its files verified.

    Raises ConfigError for a model that nothing here can run, ModelError for one whose files are missing or unusable.
    """
    catalogue = load_catalogue(settings.models_catalogue)
    chosen = choose_model(settings.model_params, catalogue)
    check_questions(settings)
    for remark in chosen.remarks:
        _LOG.info("model_runs_as_it_can", remark=remark)
    return load_yolox(
        chosen.name,
        default_models_dir(),
        version_of(settings, Scope.INFERENCE),
        threads=settings.inference.threads,
        catalogue=catalogue,
    )
