"""Which models there are, of what files, under which licence, and where those files can be had."""

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from watchpost.errors import ConfigError, ModelError

__all__ = [
    "Catalogue",
    "DetectorSpec",
    "DirectorySource",
    "ModelFile",
    "ModelSpec",
    "UrlSource",
    "WheelSource",
    "load_catalogue",
]


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _plain_name(name: str) -> str:
    # a name becomes a path under the models directory: it must not lead out of it
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name):
        raise ValueError(f"{name!r} is no plain name; use letters, digits, dots, hyphens and underscores")
    return name


_Name = Annotated[str, AfterValidator(_plain_name)]


class WheelSource(_Entry):
    """A member of a wheel, or (`nested`) a member of a zip archive that is a member of a wheel."""

    kind: Literal["wheel"]
    package: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
    version: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9.!+_-]*$")]
    member: str
    nested: str | None = None


class DirectorySource(_Entry):
    """A folder that holds the file under its catalogue name: a mounted volume, a USB stick."""

    kind: Literal["directory"]
    path: Path


class UrlSource(_Entry):
    """An object in a store or behind a web server. Credentials come from the environment, never from here."""

    kind: Literal["url"]
    url: Annotated[str, Field(pattern=r"^(https?|s3|gs|az|file)://")]


_Source = Annotated[WheelSource | DirectorySource | UrlSource, Field(discriminator="kind")]


class ModelFile(_Entry):
    """One file of a model: what it must be, and where it can be had."""

    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    bytes: Annotated[int, Field(gt=0)]
    sources: Annotated[tuple[_Source, ...], Field(min_length=1)]


class DetectorSpec(_Entry):
    """How an ONNX detector is fed and read.

    Args:
        file: the model's ONNX file.
        decoding: `yolox`: rows of x, y, log w, log h, objectness and a score per label, on grids of stride 8, 16, 32.
        multiple_px: input sides must be multiples of this.
        colours: the order of the colour channels.
        scale: pixels (0 to 255) are multiplied by this.
        labels: one name per class, in the model's order.

    """

    file: _Name
    decoding: Literal["yolox"]
    multiple_px: Annotated[int, Field(ge=32, multiple_of=32)]
    colours: Literal["bgr", "rgb"]
    scale: Annotated[float, Field(gt=0)]
    labels: Annotated[tuple[str, ...], Field(min_length=1)]


class ModelSpec(_Entry):
    """One model: single files that are verified by their sums, or a whole directory that an operator brings.

    Args:
        purpose: what it is good for.
        licence: of its weights.
        origin: who made it, and of what.
        files: each by its name.
        detector: how a detector's file is fed and read.
        repository: where a directory as Hugging Face lays it out is published there: `Qwen/Qwen3-VL-4B-Instruct`.
        experts: whether it is a mixture of experts, which comes in 16 bits alone.

    """

    purpose: str
    licence: str
    origin: str
    files: Mapping[_Name, ModelFile] = Field(default_factory=dict)
    detector: DetectorSpec | None = None
    repository: Annotated[str, Field(pattern=r"^[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*$")] | None = None
    experts: bool = False

    @model_validator(mode="after")
    def _is_files_or_directory(self) -> "ModelSpec":
        if bool(self.files) == (self.repository is not None):
            raise ValueError("a model is either files or a repository: name one of the two")
        return self

    @model_validator(mode="after")
    def _detector_file_is_listed(self) -> "ModelSpec":
        if self.detector is not None and self.detector.file not in self.files:
            raise ValueError(f"detector.file {self.detector.file!r} is none of the files: {', '.join(self.files)}")
        return self


class Catalogue(_Entry):
    """All models, by name."""

    models: Mapping[_Name, ModelSpec]

    def directories(self) -> dict[str, str]:
        """The models that are directories: where each is published, by name."""
        return {name: model.repository for name, model in self.models.items() if model.repository is not None}

    def model(self, name: str) -> ModelSpec:
        """The model of this name. Raises ModelError for an unknown one."""
        if name not in self.models:
            raise ModelError(f"no model is called {name!r}; the catalogue has: {', '.join(sorted(self.models))}")
        return self.models[name]


def load_catalogue(extra: Path | None = None) -> Catalogue:
    """Watchpost's own catalogue, and the entries of the user's file over it.

    Raises ConfigError for a file that is none: the operator can mend it.
    """
    if extra is None:
        return _built_in()
    try:
        own = _parsed(extra.read_text(encoding="utf-8"))
    except OSError as problem:
        raise ConfigError(
            "models_catalogue", f"{extra} cannot be read: {problem.strerror}", "name a file that exists"
        ) from problem
    except (yaml.YAMLError, ValidationError) as problem:
        raise ConfigError(
            "models_catalogue", f"{extra} is no model catalogue: {_said(problem)}", "write it like catalogue.yaml"
        ) from problem
    return Catalogue(models={**_built_in().models, **own.models})


@cache
def _built_in() -> Catalogue:
    return _parsed(files("watchpost.models").joinpath("catalogue.yaml").read_text(encoding="utf-8"))


def _parsed(text: str) -> Catalogue:
    return Catalogue.model_validate(yaml.safe_load(text))


def _said(problem: yaml.YAMLError | ValidationError) -> str:
    if isinstance(problem, ValidationError):
        first = problem.errors()[0]
        return f"{'.'.join(str(part) for part in first['loc']) or 'the file'}: {first['msg']}"
    return " ".join(str(problem).split())
