"""Fetches a model's directory from where it is published, only when somebody asked for that in so many words.

The client is Hugging Face's own: it goes on where it was cut off, and `HF_ENDPOINT`, `HF_TOKEN` and the usual variables
for proxies and certificates hold.
"""

import os
import shutil
from collections.abc import Mapping
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import httpx
import structlog

from watchpost.errors import ConfigError, ModelError
from watchpost.models.catalogue import Catalogue, load_catalogue
from watchpost.models.directories import places_of
from watchpost.models.soundness import faults_of

__all__ = ["download"]

_LOG = structlog.get_logger()
_WANTED = ("*.json", "*.safetensors", "*.jinja", "*.txt", "LICENSE*")


def download(name: str, models_dir: Path, catalogue: Catalogue | None = None, precision: str = "fp16") -> Path:
    """The model's directory: where it is whole already, else `models_dir` / NAME after everything was fetched there.

    A second call goes on where the first one was cut off. A directory whose files are not all there is never loaded.

    Raises:
        ModelError: the catalogue knows no such directory, or it cannot be had.
        ConfigError: the client for it is not installed.
    """
    repository = (catalogue or load_catalogue()).model(name).repository
    if repository is None:
        raise ModelError(f"model {name!r} is no directory; run: watchpost models pull {name}")
    for place in places_of(name, models_dir, precision):
        if not faults_of(place):
            return place
    directory = models_dir / name
    try:
        _fetch(name, repository, directory)
    except (OSError, ValueError, httpx.HTTPError) as problem:
        said = " ".join(str(problem).split())
        raise ModelError(f"{repository} cannot be fetched ({said}); what has come is kept: try again") from problem
    faults = faults_of(directory)
    if faults:
        raise ModelError(f"what came of {repository} is not whole: {directory} ({'; '.join(faults)}); try again")
    shutil.rmtree(directory / ".cache", ignore_errors=True)  # the client's notes on what it has fetched
    return directory


def _fetch(name: str, repository: str, directory: Path) -> None:
    # read now, not when the client was imported; None is the client's own
    hub, endpoint = _client(name), os.environ.get("HF_ENDPOINT")
    # asked first: where the hub is away snapshot_download would take a half-filled directory for the model
    known = hub.HfApi(endpoint=endpoint).model_info(repository, files_metadata=True)
    _check_room({one.rfilename: one.size or 0 for one in known.siblings}, directory)
    directory.mkdir(parents=True, exist_ok=True)
    _LOG.info("model_is_fetched", model=name, repository=repository, revision=known.sha, directory=str(directory))
    hub.snapshot_download(
        repository,
        revision=known.sha,
        local_dir=directory,
        cache_dir=directory / ".cache",
        allow_patterns=list(_WANTED),
        endpoint=endpoint,
    )


def _check_room(sizes: Mapping[str, int], directory: Path) -> None:
    come = sum(path.stat().st_size for path in (directory / ".cache").rglob("*.incomplete"))
    wanted = [name for name in sizes if any(fnmatch(name, pattern) for pattern in _WANTED)]
    left = sum(sizes[name] for name in wanted if not (directory / name).is_file()) - come
    disk = next(there for there in (directory, *directory.parents) if there.is_dir())
    free = shutil.disk_usage(disk).free
    if left > free:
        raise OSError(f"{left / 1e9:.1f} GB are to come, and {directory} has {free / 1e9:.1f} GB free")


def _client(name: str) -> Any:
    try:
        # a base install has no use for it
        import huggingface_hub  # noqa: PLC0415
    except ImportError as missing:
        raise ConfigError(
            "--allow-download",
            f"{name} is fetched by huggingface_hub, which is not installed",
            "make setup-inference, or copy the directory by hand",
        ) from missing
    return huggingface_hub
