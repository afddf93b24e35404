"""What `watchpost models list|pull|verify` say, as lines for a person."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from watchpost.errors import ModelError
from watchpost.models.catalogue import load_catalogue
from watchpost.models.pull import default_models_dir, folder_of, pull, verify

__all__ = ["describe_models", "pull_models", "verify_models"]


def describe_models(extra: Path | None) -> Iterator[str]:
    """One line a model: its name, whether it is here and sound, its licence and what it is for."""
    for name, model in sorted(load_catalogue(extra).models.items()):
        size_mb = sum(file.bytes for file in model.files.values()) / 1e6
        yield f"{name:24} {_state(name, extra):8} {size_mb:7.1f} MB  {model.licence:12} {model.purpose}"


def pull_models(names: Sequence[str], extra: Path | None) -> Iterator[str]:
    """Fetch each model; one line a file that is in place.

    Raises:
        ModelError: a name is unknown, or no source gives what the catalogue promises.
    """
    catalogue = load_catalogue(extra)
    for name in names:
        for path in pull(name, default_models_dir(), catalogue):
            yield f"{name}: {path}"


def verify_models(names: Sequence[str], extra: Path | None) -> Iterator[str]:
    """Compare models with their checksums: those named, or all that are here.

    Raises:
        ModelError: one is missing or not what the catalogue promises.
    """
    catalogue = load_catalogue(extra)
    chosen = names or [name for name in sorted(catalogue.models) if folder_of(name, default_models_dir()).is_dir()]
    for name in chosen:
        verify(name, default_models_dir(), catalogue)
        yield f"{name}: sound"


def _state(name: str, extra: Path | None) -> str:
    if not folder_of(name, default_models_dir()).is_dir():
        return "absent"
    try:
        verify(name, default_models_dir(), load_catalogue(extra))
    except ModelError:
        return "BROKEN"
    return "here"
