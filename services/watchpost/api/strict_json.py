"""Takes what callers send as strictly as JSON can be taken: a number in quotes is no number.

Strict alone would not do: FastAPI hands over parsed objects, and of those a list is no tuple.
"""

import json
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, WrapValidator

__all__ = ["StrictJson", "strictly"]

ModelT = TypeVar("ModelT", bound=BaseModel)


class StrictJson(BaseModel):
    """A body of JSON. An unknown field is an error, and an error never repeats its input: that may be a password."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


def strictly(model: type[ModelT]) -> WrapValidator:
    """What makes `model` strict as a route's body, the settings' own types within it, too.

    async def add(camera: Annotated[NewCamera, strictly(NewCamera)]): …
    """

    def validate(value: Any, _handler: object) -> ModelT:
        return model.model_validate_json(json.dumps(value), strict=True)

    return WrapValidator(validate)
