"""Which model looks at the frames, in which precision and where: not all that can be asked for is there."""

import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Literal

from watchpost.errors import ConfigError
from watchpost.models.catalogue import Catalogue, load_catalogue
from watchpost.settings import ModelParams, SiteSettings

__all__ = ["REMOTE", "ChosenModel", "ModelKind", "check_precision", "choose_model", "model_in_force"]

REMOTE = "remote"

_DETECTORS_PRECISION, _DETECTORS_DEVICE = "fp32", "cpu"
_KEY = "model_params.model"
_SIXTEEN_BITS, _CPUS_PRECISION = "fp16", "fp32"
_OTHER_NAMES = re.compile(r"(.+)[-/](int4|int8|fp16|fp32)")


class ModelKind(StrEnum):
    """What has to be there for a model to run."""

    DETECTOR = "detector"
    """Files of the catalogue, each verified."""
    DIRECTORY = "directory"
    """A directory as Hugging Face lays it out."""
    REMOTE = "remote"
    """A server."""


@dataclass(frozen=True, slots=True)
class ChosenModel:
    """What is in force. `remarks` say what was asked for instead, and why it is not.

    `path` is where a directory lies that was named by its path, not by a name of the catalogue.
    """

    name: str
    precision: str
    device: str
    remarks: tuple[str, ...]
    kind: ModelKind = ModelKind.DETECTOR
    offload: Literal["none", "cpu"] = "none"
    path: str | None = None


def model_in_force(settings: SiteSettings) -> ChosenModel:
    """The model of a site. Raises ConfigError as `choose_model`, or for a catalogue of its own that is none."""
    return choose_model(settings.model_params, load_catalogue(settings.models_catalogue))


def choose_model(params: ModelParams, catalogue: Catalogue) -> ChosenModel:
    """The model that `params` ask for. A precision or a device that it does not have is no error: it runs as it can.

    `NAME-int4` and `NAME/int4` are short for the model NAME with that precision. A name that begins with `/`, `./`,
    `../` or `~` is the path of a model's directory.

    Raises:
        ConfigError: the model is unknown, or nothing here can run it.
    """
    if params.model == REMOTE:
        return _remote(params)
    name, precision = _split(params.model, catalogue)
    asked = precision or params.precision
    if re.match(r"(/|\.{1,2}/|~)", name):
        path = Path(name).expanduser()
        return _directory(path.name, asked, params, str(path))
    spec = catalogue.models.get(name)
    if spec is not None and spec.repository is not None:
        check_precision(name, asked or _SIXTEEN_BITS, experts=spec.experts)
        return _directory(name, asked, params)
    if spec is None or spec.detector is None:
        raise _unusable(params.model, catalogue)
    return _detector(name, asked, params)


def check_precision(name: str, precision: str, *, experts: bool) -> None:
    """Raise ConfigError where a mixture of experts is asked for in fewer than 16 bits."""
    if experts and precision in {"int8", "int4"}:
        problem = (
            f"{name} does not come in {precision}: its weights are experts, no linear layers, which bitsandbytes "
            "leaves at 16 bits, so it would need 62 GB all the same"
        )
        raise ConfigError(_KEY, problem, f"use {name}-fp16 on a card of 80 GB, or qwen3-vl-8b-{precision}")


def _detector(name: str, asked: str | None, params: ModelParams) -> ChosenModel:
    remarks = []
    if asked not in {None, _DETECTORS_PRECISION}:
        remarks.append(f"{name} comes in {_DETECTORS_PRECISION} alone, so {asked} is not in force")
    if params.device not in {"auto", _DETECTORS_DEVICE}:
        remarks.append(f"{name} runs on the CPU alone, so {params.device} is not in use")
    return ChosenModel(name, _DETECTORS_PRECISION, _DETECTORS_DEVICE, tuple(remarks))


def _directory(name: str, asked: str | None, params: ModelParams, path: str | None = None) -> ChosenModel:
    precision, remarks = asked or _SIXTEEN_BITS, []
    if params.device == "cpu":
        precision = _CPUS_PRECISION
        if asked not in {None, precision}:
            remarks.append(f"a CPU computes in {precision}, so {asked} is not in force")
        if params.offload == "cpu":
            remarks.append("nothing is left to offload: the model runs on the CPU")
    elif precision == _CPUS_PRECISION:
        precision = _SIXTEEN_BITS
        remarks.append(f"{name} runs in fp16 on a GPU, so fp32 is not in force there")
    return ChosenModel(name, precision, params.device, tuple(remarks), ModelKind.DIRECTORY, params.offload, path)


def _remote(params: ModelParams) -> ChosenModel:
    """A model on a server elsewhere (`remote` in the settings), which decides how it runs."""
    asked = [params.precision, None if params.device == "auto" else params.device]
    remarks = [f"{REMOTE} runs as its server does, so {one} is not in force" for one in asked if one is not None]
    return ChosenModel(REMOTE, "as_served", "elsewhere", tuple(remarks), ModelKind.REMOTE)


def _split(model: str, catalogue: Catalogue) -> tuple[str, str | None]:
    """Name and precision; a name of the catalogue is taken as it stands."""
    found = None if model in catalogue.models else _OTHER_NAMES.fullmatch(model)
    return (model, None) if found is None else (found[1], found[2])


def _unusable(model: str, catalogue: Catalogue) -> ConfigError:
    if model in catalogue.models:
        problem = f"{model!r} is no detector: it looks at no frame by itself"
    else:
        problem = f"{model!r} is not in the catalogue"
    detectors = sorted(known for known, spec in catalogue.models.items() if spec.detector is not None)
    known = ", ".join([*detectors, *catalogue.directories(), REMOTE])
    return ConfigError(_KEY, problem, f"use one of {known}, or the path of a model's directory")
