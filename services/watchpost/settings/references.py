"""Where a secret is: the configuration names a variable or a file, and never holds the secret itself."""

import os
import re
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator

from watchpost.errors import ConfigError
from watchpost.settings.described import text

__all__ = ["SecretReference", "read_secret"]

_PATTERN = "env:[A-Za-z_][A-Za-z0-9_]*|file:/.+"


def _checked(value: str) -> str:
    if not re.fullmatch(_PATTERN, value):
        raise ValueError("expected env:NAME or file:/path, which hold the secret; never the secret itself")
    return value


SecretReference = Annotated[str, AfterValidator(_checked), text(_PATTERN)]


def read_secret(reference: str, key: str) -> str:
    """What `reference` stands for, read now, on one line.

    Args:
        reference: env:NAME or file:/path.
        key: the setting that holds it, for the error.

    Raises:
        ConfigError: the variable is not set, the file cannot be read, or there is nothing in it.
    """
    kind, _, name = reference.partition(":")
    try:
        found = os.environ[name] if kind == "env" else Path(name).read_text("utf-8")
    except (KeyError, OSError, UnicodeDecodeError) as error:
        raise ConfigError(key, f"{reference} cannot be read", "set the variable, or lay the file there") from error
    secret = found.strip()
    if not secret or not secret.isprintable():
        raise ConfigError(key, f"{reference} holds no secret of one line", "set the variable, or mend the file")
    return secret
