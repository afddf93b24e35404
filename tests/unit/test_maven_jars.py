"""Jars are loaded only as pinned."""

import hashlib
from pathlib import Path

import pytest

from watchpost.errors import ConfigError, RetryableError
from watchpost.stream.maven_jars import JarPin, fetch_jars, read_jar_lock

_BYTES = b"a jar"


def _cached(cache_dir: Path, content: bytes) -> Path:
    path = cache_dir / "maven/org/example/thing/1.0/thing-1.0.jar"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    return path


def _pin() -> JarPin:
    return JarPin("org.example:thing:1.0", hashlib.sha256(_BYTES).hexdigest())


def test_a_jar_in_the_cache_needs_no_network_and_no_lock(tmp_path: Path) -> None:
    path = _cached(tmp_path, _BYTES)

    assert fetch_jars([_pin()], tmp_path) == (path,)
    assert not (tmp_path / "maven.lock").exists()


def test_a_jar_that_was_cut_off_is_fetched_again_and_never_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = _cached(tmp_path, _BYTES[:3])
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")

    with pytest.raises(RetryableError, match=r"org\.example:thing:1\.0 cannot be had"):
        fetch_jars([_pin()], tmp_path)

    assert not path.exists()


def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(ConfigError, match=r"WATCHPOST_CACHE: .*file/cache cannot be written"):
        fetch_jars([_pin()], tmp_path / "file/cache")


def test_a_lock_file_is_read_without_its_comments(tmp_path: Path) -> None:
    lock = tmp_path / "jars.lock"
    lock.write_text("# made by hand\n\na:b:1 00ff  # the one\nc:d:2 11ee\n")

    assert read_jar_lock(lock) == (JarPin("a:b:1", "00ff"), JarPin("c:d:2", "11ee"))
