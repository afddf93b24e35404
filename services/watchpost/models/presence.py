"""Finds, or brings, the model in force before anything starts: a service that ends over and over says it late."""

import importlib.util
from dataclasses import dataclass
from pathlib import Path

from watchpost.errors import ConfigError
from watchpost.models.catalogue import load_catalogue
from watchpost.models.choosing import ChosenModel, ModelKind, check_precision, model_in_force
from watchpost.models.directories import digest_of_directory, directory_of
from watchpost.models.download import download
from watchpost.models.pull import default_models_dir, verify
from watchpost.models.soundness import config_of
from watchpost.settings import SiteSettings

__all__ = [
    "ALONGSIDE",
    "POSES",
    "ModelDirectory",
    "bring_model",
    "check_loadable",
    "check_present",
    "check_torch",
    "model_directory",
]

ALONGSIDE = "yolox-nano"
"""The detector beside a model that is asked questions."""
POSES = "movenet-multipose"
"""What every detector takes to say how somebody lies."""


@dataclass(frozen=True, slots=True)
class ModelDirectory:
    """A directory whose files are all there, and what it is (`digest_of_directory`)."""

    path: Path
    digest: str


def model_directory(settings: SiteSettings) -> ModelDirectory | None:
    """The directory of the model in force; None where that is no directory.

    Raises:
        ConfigError: nothing here can run the model, or it is not the one that `model_params.digest` pins.
        ModelError: it is missing or broken; lists where it was looked for.
    """
    chosen = model_in_force(settings)
    if chosen.kind is not ModelKind.DIRECTORY:
        return None
    repository = load_catalogue(settings.models_catalogue).directories().get(chosen.name)
    own = None if chosen.path is None else Path(chosen.path)
    path = directory_of(chosen.name, default_models_dir(), repository, chosen.precision, own)
    # a directory of the operator's own may be a mixture of experts too
    check_precision(chosen.name, chosen.precision, experts=config_of(path)["model_type"] == "qwen3_vl_moe")
    digest, pinned = digest_of_directory(path), settings.model_params.digest
    if pinned not in {None, digest}:
        raise ConfigError(
            "model_params.digest",
            f"what lies in {path} is {digest}, not {pinned}",
            "bring the model that was pinned, or write the digest of this one",
        )
    return ModelDirectory(path, digest)


def check_present(settings: SiteSettings) -> None:
    """Raise as `model_directory` where the model in force cannot be loaded from this machine."""
    model_directory(settings)


def check_loadable(settings: SiteSettings) -> None:
    """Raise as `check_present`, or where anything else is missing that a worker loads: a detector's files, torch."""
    chosen, catalogue = model_in_force(settings), load_catalogue(settings.models_catalogue)
    check_present(settings)
    if chosen.kind is ModelKind.DIRECTORY:
        check_torch(chosen)
    for name in (chosen.name if chosen.kind is ModelKind.DETECTOR else ALONGSIDE, POSES):
        verify(name, default_models_dir(), catalogue)


def check_torch(chosen: ChosenModel) -> None:
    """Raise ConfigError where torch, which a model directory needs, is not installed."""
    if importlib.util.find_spec("torch") is None:
        raise ConfigError(
            "model_params.model",
            f"{chosen.name} needs torch, which is not installed",
            "make setup-inference, or use the image for GPUs",
        )


def bring_model(settings: SiteSettings) -> None:
    """Fetch the model in force from where it is published, if it is a directory that is not here or not whole.

    Raises ConfigError for a model that nothing here can run, ModelError where it cannot be had.
    """
    catalogue, chosen = load_catalogue(settings.models_catalogue), model_in_force(settings)
    if chosen.kind is ModelKind.DIRECTORY and chosen.path is None:
        download(chosen.name, default_models_dir(), catalogue, chosen.precision)
