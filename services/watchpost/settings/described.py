"""Tells editors, by the JSON schema, what validators check with better messages than a schema gives."""

from typing import Annotated

from pydantic import WithJsonSchema

__all__ = ["Fraction", "text"]

Fraction = Annotated[float, WithJsonSchema({"type": "number", "minimum": 0, "maximum": 1})]


def text(pattern: str) -> WithJsonSchema:
    """A string that matches `pattern` as a whole."""
    return WithJsonSchema({"type": "string", "pattern": f"^({pattern})$"})
