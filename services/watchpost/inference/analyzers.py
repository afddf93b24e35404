"""Which analyzer the settings ask for."""

from watchpost.errors import ConfigError
from watchpost.inference.analyzer import Analyzer
from watchpost.inference.yolox import load_yolox
from watchpost.models import default_models_dir, load_catalogue
from watchpost.settings import SiteSettings

__all__ = ["build_analyzer"]


def build_analyzer(settings: SiteSettings) -> Analyzer:
    """The analyzer of `model_params.model`, its files verified.

    Raises ConfigError for a model that the catalogue does not know or a precision that it does not have, ModelError for
    one whose files are missing or unusable.
    """
    wanted = settings.model_params
    catalogue = load_catalogue(settings.models_catalogue)
    detectors = sorted(name for name, model in catalogue.models.items() if model.detector is not None)
    if wanted.model not in detectors:
        raise ConfigError(
            "model_params.model", f"{wanted.model!r} is no detector that is known", f"use one of {', '.join(detectors)}"
        )
    if wanted.precision != "fp32":
        raise ConfigError("model_params.precision", f"{wanted.model} has no {wanted.precision}", "write fp32")
    return load_yolox(
        wanted.model,
        default_models_dir(),
        settings.version,
        threads=settings.inference.threads,
        catalogue=catalogue,
    )
