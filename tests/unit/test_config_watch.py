"""A file that changes under a watch: each change is told once, when the file has come to rest."""

import os
from pathlib import Path

import pytest

from watchpost.site.config_watch import ConfigWatch


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text("site: a\n")
    return path


def looks(watch: ConfigWatch, count: int = 4) -> list[bool]:
    return [watch.changed() for _ in range(count)]


def test_file_that_stays_says_nothing(file: Path) -> None:
    assert not any(looks(ConfigWatch(file)))


def test_change_is_told_once_at_the_second_look(file: Path) -> None:
    watch = ConfigWatch(file)

    file.write_text("site: other\n")

    assert looks(watch) == [False, True, False, False]


def test_file_that_is_being_written_is_waited_for(file: Path) -> None:
    watch = ConfigWatch(file)
    seen = []

    for size in range(1, 5):
        file.write_text("#" * size)
        seen.append(watch.changed())

    assert not any(seen)
    assert looks(watch, 2) == [True, False]


def test_replacement_of_the_same_size_and_age_is_told(file: Path) -> None:
    watch, age = ConfigWatch(file), file.stat()
    fresh = file.with_name("fresh")
    fresh.write_text("site: b\n")
    os.utime(fresh, ns=(age.st_atime_ns, age.st_mtime_ns))

    fresh.replace(file)

    assert any(looks(watch))


def test_link_that_is_swapped_is_told(tmp_path: Path) -> None:
    """As Kubernetes changes a ConfigMap: the file's own link stays, a folder's link moves."""
    for version in ("..1", "..2"):
        (tmp_path / version).mkdir()
        (tmp_path / version / "config.yaml").write_text(f"site: {version[2:]}\n")
    (tmp_path / "..data").symlink_to("..1")
    config = tmp_path / "config.yaml"
    config.symlink_to("..data/config.yaml")
    watch = ConfigWatch(config)

    (tmp_path / "..data_tmp").symlink_to("..2")
    (tmp_path / "..data_tmp").replace(tmp_path / "..data")

    assert looks(watch) == [False, True, False, False]


def test_file_that_goes_and_one_that_comes_are_changes(file: Path) -> None:
    watch = ConfigWatch(file)

    file.unlink()
    gone = looks(watch)
    file.write_text("site: a\n")

    assert (sum(gone), sum(looks(watch))) == (1, 1)
