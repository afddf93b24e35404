"""What a test needs of the machine: a person's machine may lack it and skip, CI may not."""

import os
import shutil
from importlib.util import find_spec

import pytest

__all__ = ["require", "require_inference"]


def require(part: str, remedy: str, *, found: bool | None = None) -> None:
    """Go on when `part` is there; otherwise skip the test, or fail it where CI=true.

    Args:
        part: what is needed. Without `found` it is a program, looked for on the PATH.
        remedy: the command that brings it.
        found: whether it is there.

    Example:
        require("ffmpeg", "apt-get install -y ffmpeg")
        require("the footage", "lay it at ../shared/data/footage", found=FOOTAGE.is_dir())

    """
    if found if found is not None else shutil.which(part) is not None:
        return
    message = f"{part} is not on this machine; to get it: {remedy}"
    if os.environ.get("CI") == "true":
        pytest.fail(message, pytrace=False)
    pytest.skip(message, allow_module_level=True)


def require_inference() -> None:
    """Go on where the extra `inference` is installed: torch and what else the larger models need, if only on the CPU.

    For a test elsewhere. Modules in a folder named qwen3_vl import torch as they like: they are skipped as a whole.
    """
    require("torch", "make setup-inference", found=find_spec("torch") is not None)
