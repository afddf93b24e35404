"""The wheel works alone: in an environment of its own, from any folder, with schemas and catalogue inside."""

import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCK = ROOT / "requirements" / "base.lock"
PROBE = """
from watchpost.contracts import shipped_schemas, topics
from watchpost.models import load_catalogue
import watchpost
assert not watchpost.__file__.startswith({checkout!r}), watchpost.__file__
print(len(list(shipped_schemas())), len(topics("site")), len(topics("central")))
print(len(load_catalogue().models))
"""


@pytest.mark.timeout(280)
def test_wheel_in_an_empty_environment_finds_its_schemas_from_any_folder(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(tmp_path), str(ROOT)], check=True
    )
    (wheel,) = tmp_path.glob("watchpost-*.whl")
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv" / "bin" / "python"
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()

    for what in (["--require-hashes", "-r", str(LOCK)], ["--no-deps", str(wheel)]):
        subprocess.run([str(python), "-m", "pip", "install", "-q", *what], check=True)
    probe = PROBE.format(checkout=str(ROOT))
    found = subprocess.run([str(python), "-c", probe], cwd=elsewhere, check=True, capture_output=True, text=True)
    listed = subprocess.run(
        [str(python.with_name("watchpost")), "models", "list"],
        cwd=elsewhere,
        check=True,
        capture_output=True,
        text=True,
    )

    assert [int(count) > 0 for count in found.stdout.split()] == [True] * 4
    assert "yolox-nano" in listed.stdout
