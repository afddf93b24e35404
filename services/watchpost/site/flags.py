"""Lets `--model` and `--device` beat the file, for a site's services and for every reload too."""

import os
from pathlib import Path

from watchpost.errors import ConfigError
from watchpost.models import check_questions, model_in_force
from watchpost.settings import load_settings

__all__ = ["put_flags_in_force"]

_FLAGS = {
    "model_params.model": ("--model", "WATCHPOST_MODEL_PARAMS__MODEL"),
    "model_params.device": ("--device", "WATCHPOST_MODEL_PARAMS__DEVICE"),
}


def put_flags_in_force(config: Path | None, model: str | None, device: str | None) -> None:
    """Put what was given into this process's environment, which beats the file and which services inherit.

    Raises:
        ConfigError: what is given (the error names the flag then) or the file is not sound.
    """
    given = {"model_params.model": model, "model_params.device": device}
    for key, value in given.items():
        if value is not None:
            os.environ[_FLAGS[key][1]] = value
    try:
        settings = load_settings(config)
        model_in_force(settings)
        check_questions(settings)
    except ConfigError as error:
        if given.get(error.key) is None:
            raise
        raise ConfigError(_FLAGS[error.key][0], error.problem, error.remedy) from error
