"""What `watchpost models list|pull|verify` say, as lines for a person."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from watchpost.errors import ModelError
from watchpost.models.catalogue import Catalogue, ModelSpec, load_catalogue
from watchpost.models.directories import digest_of_directory, directory_of, size_of_directory
from watchpost.models.download import download
from watchpost.models.pull import default_models_dir, folder_of, pull, verify

__all__ = ["describe_models", "pull_models", "verify_models"]

_IN_FOUR_BITS = "-int4"


def describe_models(extra: Path | None) -> Iterator[str]:
    """One line a model: its name, whether it is here and sound, its size, its licence and what it is for.

    A directory's size is that of what is here; one that is stored in 4 bits has a line of its own where it is here.
    """
    catalogue = load_catalogue(extra)
    for name, model in _shown(catalogue):
        yield f"{name:24} {_state(name, catalogue):8} {_size(name, model):>10}  {model.licence:12} {model.purpose}"


def pull_models(names: Sequence[str], extra: Path | None, *, allow_download: bool = False) -> Iterator[str]:
    """Fetch each model; one line a file or directory that is in place. Directories only where that is allowed.

    Raises:
        ModelError: a name is unknown, or what the catalogue promises cannot be had.
        ConfigError: what fetches directories is not installed.
    """
    catalogue = load_catalogue(extra)
    for name in names:
        repository = catalogue.model(name).repository
        if repository is None:
            placed = pull(name, default_models_dir(), catalogue)
        elif allow_download:
            placed = (download(name, default_models_dir(), catalogue),)
        else:
            placed = (directory_of(name, default_models_dir(), repository),)
        for path in placed:
            yield f"{name}: {path}"


def verify_models(names: Sequence[str], extra: Path | None) -> Iterator[str]:
    """Compare models with what they should be: those named, or all that are here. A directory's digest is said.

    Raises:
        ModelError: one is missing, broken or not what the catalogue promises.
    """
    catalogue = load_catalogue(extra)
    here = [name for name, model in _shown(catalogue) if folder_of(name, default_models_dir()).is_dir()]
    for name in names or here:
        yield f"{name}: {_verified(name, catalogue)}"


def _shown(catalogue: Catalogue) -> Iterator[tuple[str, ModelSpec]]:
    for name, model in sorted(catalogue.models.items()):
        yield name, model
        small = f"{name}{_IN_FOUR_BITS}"
        if model.repository is not None and folder_of(small, default_models_dir()).is_dir():
            yield small, model


def _verified(name: str, catalogue: Catalogue) -> str:
    directories = catalogue.directories()
    if name in directories or name.removesuffix(_IN_FOUR_BITS) in directories:
        path = directory_of(name, default_models_dir(), directories.get(name))
        return f"whole, {digest_of_directory(path)}"
    verify(name, default_models_dir(), catalogue)
    return "sound"


def _state(name: str, catalogue: Catalogue) -> str:
    if not folder_of(name, default_models_dir()).is_dir():
        return "absent"
    try:
        _verified(name, catalogue)
    except ModelError:
        return "BROKEN"
    return "here"


def _size(name: str, model: ModelSpec) -> str:
    if model.repository is None:
        return f"{sum(file.bytes for file in model.files.values()) / 1e6:.1f} MB"
    folder = folder_of(name, default_models_dir())
    return f"{size_of_directory(folder) / 1e9:.1f} GB" if folder.is_dir() else "-"
