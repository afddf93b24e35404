"""Says before a site starts that the model in force is not there: a service that ends over and over says it late."""

from watchpost.models.catalogue import load_catalogue
from watchpost.models.choosing import choose_model
from watchpost.models.directories import DIRECTORY_MODELS, directory_of
from watchpost.models.pull import default_models_dir
from watchpost.settings import SiteSettings

__all__ = ["check_present"]


def check_present(settings: SiteSettings) -> None:
    """Raise ModelError, listing where it was looked for, where an operator has yet to bring the model's directory.

    Raises ConfigError for a model that nothing here can run.
    """
    name = choose_model(settings.model_params, load_catalogue(settings.models_catalogue)).name
    if name in DIRECTORY_MODELS:
        directory_of(name, default_models_dir())
