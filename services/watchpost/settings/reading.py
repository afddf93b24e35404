"""Reads a site's YAML file, and says what is wrong with it so that it can be mended.

settings = load_settings(Path("config.yaml"))
settings.cameras["door"].source
"""

from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from watchpost.errors import ConfigError
from watchpost.settings.masking import without_secrets
from watchpost.settings.site import SiteSettings
from watchpost.settings.tasks import asked_of

__all__ = ["load_settings", "read_file", "settings_from"]

# whoever writes one of these wrongly has probably written the secret itself
_SECRETS = frozenset({"secret", "api_key"})


def load_settings(path: Path | None) -> SiteSettings:
    """The settings in the YAML file at `path` (all defaults without one), the environment laid over them.

    Raises:
        ConfigError: naming the key, what is wrong with it and how to mend it.
    """
    return settings_from({} if path is None else read_file(path))


def settings_from(raw: Mapping[str, Any]) -> SiteSettings:
    """The same of what such a file holds."""
    try:
        settings = SiteSettings(**raw)
    except ValidationError as error:
        raise _explained(error) from error
    if len(settings.cameras) > settings.max_streams:
        raise ConfigError(
            "cameras",
            f"{len(settings.cameras)} cameras are more than max_streams ({settings.max_streams}) allows",
            "raise max_streams or remove cameras",
        )
    if settings.model_params.model == "remote" and settings.remote is None:
        raise ConfigError("remote", "is missing", "add remote: {url: http://host:8000/v1, model: …}")
    known = settings.questions
    for name, camera in settings.cameras.items():
        asked_of(camera.tasks, known, f"cameras.{name}.tasks")
    return settings


def read_file(path: Path) -> dict[str, Any]:
    """What the YAML file holds, unchecked. Raises ConfigError when it cannot be read, or holds no keys."""
    try:
        raw = yaml.safe_load(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(
            str(path), f"cannot be read ({error.strerror})", "name a readable file with --config"
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(str(path), f"is no YAML: {error}", "mend the line that is named") from error
    if raw is None:
        return {}
    if not isinstance(raw, dict) or not all(isinstance(key, str) for key in raw):
        raise ConfigError(str(path), "holds no keys at its top", "begin with a line such as site: shop-12")
    return raw


def _explained(error: ValidationError) -> ConfigError:
    # a misspelt key first: it explains why the right one is missing
    first = min(error.errors(), key=lambda found: found["type"] != "extra_forbidden")
    location = [str(part) for part in first["loc"] if not str(part).startswith("[")]
    key = ".".join(location)
    if first["type"] == "extra_forbidden":
        known = _fields_at(location[:-1])
        near = get_close_matches(location[-1], known, n=1)
        remedy = f"did you mean {near[0]}?" if near else f"known here: {', '.join(sorted(known))}"
        return ConfigError(key, "there is no such key", remedy)
    if first["type"] == "missing":
        return ConfigError(key, "is missing", f"add {location[-1]}: …")
    message = first["msg"].removeprefix("Value error, ")
    problem, _, remedy = message.partition("; ")
    shown = "what is not shown here" if location[-1:] and location[-1] in _SECRETS else _shown(first["input"])
    return ConfigError(key, f"{problem} (got {shown})", remedy or "correct the value")


def _shown(value: object) -> str:
    text = without_secrets(repr(value))  # a password in an address must not reach a log
    return text if len(text) <= 80 else text[:77] + "..."  # noqa: PLR2004  (a terminal's line)


def _fields_at(location: list[str]) -> list[str]:
    """The known keys of the group at `location`."""
    model: type[BaseModel] = SiteSettings
    for part in location:
        field = model.model_fields.get(part)
        if field is None:
            continue  # the name of a camera
        candidates = [kind for kind in _models_in(field.annotation) if issubclass(kind, BaseModel)]
        if candidates:
            model = candidates[0]
    return list(model.model_fields)


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in getattr(annotation, "__args__", ()) for model in _models_in(part)]
