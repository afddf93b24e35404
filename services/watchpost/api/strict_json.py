"""The base of what callers send: a number in quotes is no number, an unknown field is an error, nothing is repeated."""

import json
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ModelWrapValidatorHandler, ValidationInfo, model_validator

__all__ = ["StrictJson"]


class StrictJson(BaseModel):
    """A body of JSON, validated as strictly as JSON can be, the settings' own types within it too."""

    # an error that repeats its input would repeat a password
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    @model_validator(mode="wrap")
    @classmethod
    def _as_json(cls, value: Any, handler: ModelWrapValidatorHandler[Self], info: ValidationInfo) -> Self:
        """FastAPI hands over what it has parsed: as Python objects, strict means another thing (a list is no tuple)."""
        if info.mode == "json":
            return handler(value)
        return cls.model_validate_json(json.dumps(value), strict=True)
