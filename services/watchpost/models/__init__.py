"""The models that look at frames: which there are, where they come from, and that they are what they should be."""

from watchpost.models.catalogue import Catalogue, DetectorSpec, ModelSpec, load_catalogue
from watchpost.models.choosing import ChosenModel, choose_model
from watchpost.models.pull import default_models_dir, pull, verified_bytes, verify

__all__ = [
    "Catalogue",
    "ChosenModel",
    "DetectorSpec",
    "ModelSpec",
    "choose_model",
    "default_models_dir",
    "load_catalogue",
    "pull",
    "verified_bytes",
    "verify",
]
