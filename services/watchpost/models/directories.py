"""The larger models: directories as Hugging Face lays them out, which an operator brings."""

import hashlib
import os
from pathlib import Path

from watchpost.errors import ModelError
from watchpost.models.soundness import CONFIG, TOKENIZER, faults_of
from watchpost.models.tensor_files import header_of, weight_files

__all__ = ["digest_of_directory", "directory_of", "places_of", "size_of_directory"]

_SMALL = "int4"
_SAMPLE_BYTES = 4096


def directory_of(
    name: str,
    models_dir: Path,
    repository: str | None = None,
    precision: str = "fp16",
    path: Path | None = None,
) -> Path:
    """Where a model lies: the first of its `places_of` that is a directory, which must be sound.

    Raises ModelError, listing where it was looked for, what is missing or broken there, and how to get it:
    `repository` is where it is published.
    """
    places = places_of(name, models_dir, precision, path)
    found = next((place for place in places if place.is_dir()), places[-1])
    faults = faults_of(found)
    if not faults:
        return found
    # where one is there and broken, that one is to be mended: what comes after it is not told
    looked = [f"{place} (no such directory)" for place in places[: places.index(found)]]
    looked.append(f"{found} ({'; '.join(faults)})")
    remedy = f"copy the whole directory of {repository} there" if repository else "copy the whole directory there"
    if repository:
        remedy = f"run: watchpost models pull {name} --allow-download, or {remedy}"
    raise ModelError(f"model {name!r} is not usable: looked in {', '.join(looked)}; {remedy}")


def places_of(name: str, models_dir: Path, precision: str = "fp16", path: Path | None = None) -> tuple[Path, ...]:
    """Where a model may lie, first choice first: for int4 `NAME-int4`, whose weights are stored so; then NAME.

    Each under `models_dir`, then where an image carries models. A model that was named by its `path` lies there.
    """
    bundled = os.environ.get("WATCHPOST_BUNDLED_MODELS")
    roots = (models_dir, *([Path(bundled)] if bundled else []))
    whole = [path] if path is not None else [root / name for root in roots]
    small = [one.with_name(f"{one.name}-{_SMALL}") for one in whole] if precision == _SMALL else []
    return (*small, *whole)


def digest_of_directory(directory: Path) -> str:
    """What the model is: of its configuration, its tokenizer, each weight file's header, and a sample of each tensor.

    Not of all weights: hashing 9 to 62 GB would take a start a minute or more. A header holds each tensor's name, type,
    shape and place; the 4 KiB in a tensor's middle tell a fine-tuned model from its origin. A flipped bit elsewhere is
    not seen.

    Raises ModelError for a directory that has faults.
    """
    whole = hashlib.sha256()
    for name in (CONFIG, TOKENIZER):
        whole.update((directory / name).read_bytes())
    for name in weight_files(directory):
        header = header_of(directory / name)
        whole.update(f"{name} {header.file_bytes} ".encode() + header.text)
        with (directory / name).open("rb") as opened:
            for begin, end in sorted(header.places.values()):
                opened.seek((begin + end) // 2)
                whole.update(opened.read(min(_SAMPLE_BYTES, end - (begin + end) // 2)))
    return f"sha256:{whole.hexdigest()}"


def size_of_directory(directory: Path) -> int:
    """All its files, in bytes."""
    return sum(path.stat().st_size for path in directory.iterdir() if path.is_file())
