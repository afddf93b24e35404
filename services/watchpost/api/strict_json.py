"""Takes what callers send as strictly as JSON can be taken: a number in quotes is no number.

Strict alone would not do: FastAPI hands over parsed objects, and of those a list is no tuple. And an error never
repeats its input, which may be a password.
"""

import json
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError, WrapValidator
from pydantic_core import InitErrorDetails, PydanticCustomError

__all__ = ["StrictJson", "strictly"]

ModelT = TypeVar("ModelT", bound=BaseModel)


class StrictJson(BaseModel):
    """A body of JSON. An unknown field is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def strictly(model: type[ModelT]) -> WrapValidator:
    """What makes `model` strict as a route's body, the settings' own types within it, too.

    async def add(camera: Annotated[NewCamera, strictly(NewCamera)]): …
    """

    def validate(value: Any, _handler: object) -> ModelT:
        try:
            return model.model_validate_json(json.dumps(value), strict=True)
        except ValidationError as error:
            raise _without_input(error) from None

    return WrapValidator(validate)


def _without_input(error: ValidationError) -> ValidationError:
    """The same errors, which can be shown: pydantic's own setting for it counts for the outermost model alone."""
    lines = [
        InitErrorDetails(
            type=PydanticCustomError(found["type"], "{said}", {"said": found["msg"]}), loc=found["loc"], input=None
        )
        for found in error.errors(include_url=False, include_input=False)
    ]
    return ValidationError.from_exception_data(error.title, lines)
