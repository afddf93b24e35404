"""The models that look at frames: which there are, where they come from, and that they are what they should be."""

from watchpost.models.answering import ANSWERING_REMEDY, check_questions, unanswering_model
from watchpost.models.catalogue import Catalogue, DetectorSpec, ModelSpec, load_catalogue
from watchpost.models.choosing import REMOTE, ChosenModel, ModelKind, choose_model
from watchpost.models.directories import digest_of_directory, directory_of
from watchpost.models.presence import ModelDirectory, bring_model, check_present, model_directory
from watchpost.models.pull import default_models_dir, pull, verified_bytes, verify

__all__ = [
    "ANSWERING_REMEDY",
    "REMOTE",
    "Catalogue",
    "ChosenModel",
    "DetectorSpec",
    "ModelDirectory",
    "ModelKind",
    "ModelSpec",
    "bring_model",
    "check_present",
    "check_questions",
    "choose_model",
    "default_models_dir",
    "digest_of_directory",
    "directory_of",
    "load_catalogue",
    "model_directory",
    "pull",
    "unanswering_model",
    "verified_bytes",
    "verify",
]
