"""The models that look at frames: which there are, where they come from, and that they are what they should be."""

from watchpost.models.answering import ANSWERING_REMEDY, check_questions, unanswering_model
from watchpost.models.catalogue import Catalogue, DetectorSpec, ModelSpec, load_catalogue
from watchpost.models.choosing import REMOTE, ChosenModel, choose_model
from watchpost.models.directories import DIRECTORY_MODELS, digest_of_directory, directory_of
from watchpost.models.presence import check_present
from watchpost.models.pull import default_models_dir, pull, verified_bytes, verify

__all__ = [
    "ANSWERING_REMEDY",
    "DIRECTORY_MODELS",
    "REMOTE",
    "Catalogue",
    "ChosenModel",
    "DetectorSpec",
    "ModelSpec",
    "check_present",
    "check_questions",
    "choose_model",
    "default_models_dir",
    "digest_of_directory",
    "directory_of",
    "load_catalogue",
    "pull",
    "unanswering_model",
    "verified_bytes",
    "verify",
]
