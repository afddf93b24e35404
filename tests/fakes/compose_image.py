"""The image of the CPU services for tests, built by the command that a person uses."""

import fcntl
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from tests.fakes.brokers import require_container
from tests.requirements import require

__all__ = ["ROOT", "image", "require_compose", "run_docker"]

ROOT = Path(__file__).parents[2]
_NAME = "watchpost:test"
_SHOWN_LINES = 30


@pytest.fixture(scope="session")
def image() -> str:
    """The name of the image, made of this checkout. Cached by the engine: only what changed is built again."""
    require_container()
    lock = Path(tempfile.gettempdir()) / "watchpost-image.lock"
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)  # one build at a time, whichever worker comes first
        built = subprocess.run(
            ["make", "image", f"IMAGE={_NAME}"],
            cwd=ROOT,
            check=False,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
    if built.returncode != 0:
        pytest.fail("\n".join(["make image failed:", *built.stdout.splitlines()[-_SHOWN_LINES:]]), pytrace=False)
    return _NAME


def require_compose() -> None:
    """Skip (in CI: fail) where docker has no compose."""
    asked = ["docker", "compose", "version"]
    found = (
        shutil.which("docker") is not None and subprocess.run(asked, check=False, capture_output=True).returncode == 0
    )
    require("docker compose", "apt-get install -y docker-compose-plugin (of Docker's own repository)", found=found)


def run_docker(*arguments: str) -> str:
    """What `docker …` said, trimmed. Fails with its complaint."""
    done = subprocess.run(["docker", *arguments], check=False, capture_output=True, text=True)
    assert done.returncode == 0, f"docker {' '.join(arguments)}: {done.stderr}"
    return done.stdout.strip()
