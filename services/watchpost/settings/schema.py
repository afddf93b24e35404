"""Describes the configuration file to editors."""

from typing import Any

from watchpost.settings.site import SiteSettings

__all__ = ["config_schema"]


def config_schema() -> dict[str, Any]:
    """The JSON schema (2020-12) of config.yaml, its short forms included.

    It tells less than loading the file does: that a roi's edges are in order, or how many cameras there may be.
    """
    described = SiteSettings.model_json_schema()
    _close(described)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **described, "title": "Watchpost's config.yaml"}


def _close(part: Any) -> None:
    """Let names that match no pattern be errors, as they are when the file is loaded."""
    if isinstance(part, dict):
        if "patternProperties" in part:
            part.setdefault("additionalProperties", False)
        for value in part.values():
            _close(value)
    elif isinstance(part, list):
        for value in part:
            _close(value)
