"""The models that look at frames: which there are, where they come from, and that they are what they should be."""

from watchpost.models.answering import ANSWERING_REMEDY, check_questions, unanswering_model
from watchpost.models.catalogue import Catalogue, DetectorSpec, ModelSpec, load_catalogue
from watchpost.models.choosing import REMOTE, ChosenModel, ModelKind, choose_model, model_in_force
from watchpost.models.directories import digest_of_directory, directory_of
from watchpost.models.presence import (
    ALONGSIDE,
    POSES,
    ModelDirectory,
    bring_model,
    check_loadable,
    check_present,
    check_torch,
    model_directory,
)
from watchpost.models.pull import default_models_dir, pull, verified_bytes, verify
from watchpost.models.soundness import config_of
from watchpost.models.tensor_files import SINGLE, header_of, weight_map

__all__ = [
    "ALONGSIDE",
    "ANSWERING_REMEDY",
    "POSES",
    "REMOTE",
    "SINGLE",
    "Catalogue",
    "ChosenModel",
    "DetectorSpec",
    "ModelDirectory",
    "ModelKind",
    "ModelSpec",
    "bring_model",
    "check_loadable",
    "check_present",
    "check_questions",
    "check_torch",
    "choose_model",
    "config_of",
    "default_models_dir",
    "digest_of_directory",
    "directory_of",
    "header_of",
    "load_catalogue",
    "model_directory",
    "model_in_force",
    "pull",
    "unanswering_model",
    "verified_bytes",
    "verify",
    "weight_map",
]
