"""Passwords of cameras lie in files of this user alone, and go when nobody needs them."""

import os
import stat
import time
from pathlib import Path

from watchpost.api.secrets import SecretFiles
from watchpost.contracts.records import CameraId

DOOR = CameraId("door")
SOON_S = 3600.0


def test_secret_is_whole_private_and_found_by_its_reference(tmp_path: Path) -> None:
    old_mask = os.umask(0)
    try:
        ref = SecretFiles(tmp_path / "secrets").write(DOOR, "admin:pass word-ß")
    finally:
        os.umask(old_mask)

    path = Path(ref.removeprefix("file:"))
    assert path.is_absolute()
    assert path.read_text("utf-8") == "admin:pass word-ß"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [path] == list(path.parent.iterdir())


def test_changed_secret_is_another_file_and_the_old_stays_until_it_is_removed(tmp_path: Path) -> None:
    files = SecretFiles(tmp_path)
    old, new = files.write(DOOR, "a:1"), files.write(DOOR, "a:2")

    assert Path(old.removeprefix("file:")).read_text() == "a:1"
    files.remove(old)
    files.remove(old)
    assert [f"file:{path}" for path in tmp_path.iterdir()] == [new]


def test_file_of_the_operator_is_never_removed(tmp_path: Path) -> None:
    theirs = tmp_path / "camera-password"
    theirs.write_text("admin:secret")
    inside = tmp_path / "secrets" / "deeper"
    inside.mkdir(parents=True)
    files = SecretFiles(tmp_path / "secrets")

    for ref in (f"file:{theirs}", f"file:{tmp_path}/secrets/../camera-password", "env:DOOR", f"file:{inside}/x", None):
        files.remove(ref)

    assert theirs.exists()


def test_sweep_takes_what_no_camera_names_once_it_is_old(tmp_path: Path) -> None:
    files = SecretFiles(tmp_path)
    used, orphan = files.write(DOOR, "a:1"), files.write(CameraId("gone"), "a:2")
    (tmp_path / ".door.0123abcd").write_text("a:")  # its writer was killed
    (tmp_path / "lost+found").mkdir()
    (tmp_path / "operators-own").write_text("a:3")

    assert files.sweep([used, None, "env:X"], now_s=time.time()) == 0
    assert files.sweep([used, None, "env:X"], now_s=time.time() + SOON_S) == 2
    assert not Path(orphan.removeprefix("file:")).exists()
    assert {path.name for path in tmp_path.iterdir()} == {Path(used).name, "lost+found", "operators-own"}


def test_sweep_of_a_folder_that_is_not_there_finds_nothing(tmp_path: Path) -> None:
    assert SecretFiles(tmp_path / "none").sweep([]) == 0
