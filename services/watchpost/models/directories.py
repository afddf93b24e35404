"""The larger models: directories as Hugging Face lays them out, which an operator brings."""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from watchpost.errors import ModelError
from watchpost.models.pull import folder_of

__all__ = ["DIRECTORY_MODELS", "digest_of_directory", "directory_of"]

DIRECTORY_MODELS: Mapping[str, str] = {
    "qwen3-vl-4b": "Qwen/Qwen3-VL-4B-Instruct",
    "qwen3-vl-8b": "Qwen/Qwen3-VL-8B-Instruct",
    "qwen3-vl-30b": "Qwen/Qwen3-VL-30B-A3B-Instruct",
}
"""By name, where each is published. Their licence is Apache-2.0."""
_NEEDED = ("config.json", "tokenizer.json")
_INDEX, _SINGLE = "model.safetensors.index.json", "model.safetensors"


def directory_of(name: str, models_dir: Path) -> Path:
    """Where the model lies.

    Raises ModelError, listing where it was looked for and what is missing there.
    """
    directory = folder_of(name, models_dir)
    missing = sorted(_missing(directory))
    if missing:
        bundled = os.environ.get("WATCHPOST_BUNDLED_MODELS")
        places = [str(models_dir / name), *([f"{bundled}/{name}"] if bundled else [])]
        raise ModelError(
            f"{name} is not complete: looked in {' and '.join(places)}; missing: {', '.join(missing)}; "
            f"copy the whole directory of {DIRECTORY_MODELS[name]} there"
        )
    return directory


def digest_of_directory(directory: Path) -> str:
    """What the model is: of its configuration, its tokenizer and the name, size and header of every weight file.

    Not of all weights: hashing 9 to 62 GB would take a start a minute or more, and a header holds each tensor's place.
    """
    whole = hashlib.sha256()
    for name in _NEEDED:
        whole.update((directory / name).read_bytes())
    for name in sorted(_weight_files(directory)):
        path = directory / name
        with path.open("rb") as opened:
            length = int.from_bytes(opened.read(8), "little")
            whole.update(f"{name} {path.stat().st_size} ".encode() + opened.read(min(length, 100_000_000)))
    return f"sha256:{whole.hexdigest()}"


def _missing(directory: Path) -> Iterator[str]:
    yield from (name for name in _NEEDED if not (directory / name).is_file())
    if not (directory / _INDEX).is_file() and not (directory / _SINGLE).is_file():
        yield f"{_SINGLE} (or {_INDEX})"
    yield from (name for name in _weight_files(directory) if not (directory / name).is_file())


def _weight_files(directory: Path) -> frozenset[str]:
    index = directory / _INDEX
    if not index.is_file():
        return frozenset({_SINGLE} if (directory / _SINGLE).is_file() else ())
    try:
        names: Mapping[str, str] = json.loads(index.read_text(encoding="utf-8"))["weight_map"]
    except (ValueError, KeyError, TypeError) as problem:
        raise ModelError(f"{index} is no index of weight files; copy the model's directory again") from problem
    return frozenset(names.values())
