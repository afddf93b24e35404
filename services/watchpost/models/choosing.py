"""Which model looks at the frames, in which precision and where: not all that can be asked for is there."""

import re
from dataclasses import dataclass

from watchpost.errors import ConfigError
from watchpost.models.catalogue import Catalogue
from watchpost.models.directories import DIRECTORY_MODELS
from watchpost.settings import ModelParams

__all__ = ["REMOTE", "ChosenModel", "choose_model"]

REMOTE = "remote"

_DETECTORS_PRECISION, _DETECTORS_DEVICE = "fp32", "cpu"
_KEY = "model_params.model"
_SIXTEEN_BITS = "fp16"
_EXPERTS = "qwen3-vl-30b"


@dataclass(frozen=True, slots=True)
class ChosenModel:
    """What is in force. `remarks` say what was asked for instead, and why it is not."""

    name: str
    precision: str
    device: str
    remarks: tuple[str, ...]


def choose_model(params: ModelParams, catalogue: Catalogue) -> ChosenModel:
    """The model that `params` ask for. A precision or a device that it does not have is no error: it runs as it can.

    `NAME-int4` and `NAME/int4` are short for the model NAME with that precision.

    Raises:
        ConfigError: the model is unknown, or nothing here can run it.
    """
    if params.model == REMOTE:
        return _remote(params)
    name, precision = _split(params.model, catalogue)
    if name in DIRECTORY_MODELS:
        return _directory_model(name, precision or params.precision or _SIXTEEN_BITS, params.device)
    spec = catalogue.models.get(name)
    detectors = sorted(known for known, model in catalogue.models.items() if model.detector is not None)
    if spec is None or spec.detector is None:
        raise _unusable(params.model, catalogue, detectors)
    asked = precision or params.precision
    remarks = []
    if asked not in {None, _DETECTORS_PRECISION}:
        remarks.append(f"{name} comes in {_DETECTORS_PRECISION} alone, so {asked} is not in force")
    if params.device not in {"auto", _DETECTORS_DEVICE}:
        remarks.append(f"{name} runs on the CPU alone, so {params.device} is not in use")
    return ChosenModel(name, _DETECTORS_PRECISION, _DETECTORS_DEVICE, tuple(remarks))


def _directory_model(name: str, precision: str, device: str) -> ChosenModel:
    if name == _EXPERTS and precision in {"int8", "int4"}:
        problem = (
            f"{name} does not come in {precision}: its weights are experts, which bitsandbytes leaves at 16 bits, "
            "so it would need 62 GB all the same"
        )
        raise ConfigError(_KEY, problem, f"use {name}-fp16 on a card of 80 GB, or qwen3-vl-8b-{precision}")
    if precision == _DETECTORS_PRECISION:
        return ChosenModel(
            name, _SIXTEEN_BITS, device, (f"{name} runs in fp16 on a GPU, so fp32 is not in force there",)
        )
    return ChosenModel(name, precision, device, ())


def _remote(params: ModelParams) -> ChosenModel:
    """A model on a server elsewhere (`remote` in the settings), which decides how it runs."""
    asked = [params.precision, None if params.device == "auto" else params.device]
    remarks = [f"{REMOTE} runs as its server does, so {one} is not in force" for one in asked if one is not None]
    return ChosenModel(REMOTE, "as_served", "elsewhere", tuple(remarks))


def _split(model: str, catalogue: Catalogue) -> tuple[str, str | None]:
    """Name and precision; a name of the catalogue is taken as it stands."""
    found = None if model in catalogue.models else re.fullmatch(r"(.+)[-/](int4|int8|fp16|fp32)", model)
    return (model, None) if found is None else (found[1], found[2])


def _unusable(model: str, catalogue: Catalogue, detectors: list[str]) -> ConfigError:
    if model in catalogue.models:
        problem = f"{model!r} is no detector: it looks at no frame by itself"
    else:
        problem = f"{model!r} is not in the catalogue"
    known = ", ".join([*detectors, *DIRECTORY_MODELS, REMOTE])
    return ConfigError(_KEY, problem, f"use one of {known}")
