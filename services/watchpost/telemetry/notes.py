"""Lets whoever supervises a site's services say something in their readiness: a service cannot know it by itself."""

import json
import os
from collections.abc import Mapping
from pathlib import Path

__all__ = ["NOTES_VARIABLE", "read_notes", "write_notes"]

NOTES_VARIABLE = "WATCHPOST_NOTES_FILE"


def read_notes() -> dict[str, str]:
    """What the supervisor wrote: a text for each topic, such as `config`. Empty without a supervisor."""
    path = os.environ.get(NOTES_VARIABLE)
    if path is None:
        return {}
    try:
        return {str(topic): str(said) for topic, said in json.loads(Path(path).read_text("utf-8")).items()}
    except (OSError, ValueError, AttributeError):
        return {}


def write_notes(path: Path, notes: Mapping[str, str]) -> None:
    """Replace what services find at `path`, the value of `NOTES_VARIABLE` in their environment."""
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(dict(notes)), "utf-8")
    fresh.replace(path)
