"""What a test needs of the machine: a person's machine may lack it and skip, CI may not."""

import os
import shutil

import pytest

__all__ = ["require"]


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
    pytest.skip(message)
