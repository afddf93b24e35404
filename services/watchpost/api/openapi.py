"""Describes the api truthfully where FastAPI, left alone, would not: its problems, and who may call what."""

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI

from watchpost.api.problems import Problem
from watchpost.settings import ApiSettings

__all__ = ["DESCRIPTION", "describe"]

DESCRIPTION = """
One site of Watchpost: its cameras, what happened, and `POST /analyze`.

Callers on the site's own machine need no token (unless `api.loopback` is false); others send
`Authorization: Bearer TOKEN`, which `watchpost token new` makes. A *viewer* may look, an *operator* may also add,
change and remove cameras and have streams analysed, an *admin* may all.

Every error is `application/problem+json` (RFC 9457); besides `type`, `title`, `status` and `detail` it names the
`field` that is wrong and the `remedy`.
"""
_BEARER = {"type": "http", "scheme": "bearer", "description": "a token that `watchpost token new` made"}
_FASTAPIS_OWN = ("HTTPValidationError", "ValidationError")


def describe(app: FastAPI, settings: ApiSettings) -> None:
    """Have `app` describe itself so, once."""
    built_by_fastapi = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = built_by_fastapi()
            components = schema.setdefault("components", {})
            schemas = components.setdefault("schemas", {})
            schemas["Problem"] = Problem.model_json_schema()
            for name in _FASTAPIS_OWN:
                schemas.pop(name, None)
            components["securitySchemes"] = {"bearer": _BEARER}
            for path, method, operation in _operations(schema):
                _correct(operation, needs_no_token=_needs_no_token(path, method, settings))
            app.openapi_schema = schema
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's own documented way to extend the schema


def _operations(schema: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def _needs_no_token(path: str, method: str, settings: ApiSettings) -> bool:
    return settings.loopback or (settings.anonymous == "analyze" and (path, method) == ("/analyze", "post"))


def _correct(operation: dict[str, Any], *, needs_no_token: bool) -> None:
    responses = operation["responses"]
    if "HTTPValidationError" in str(responses.get("422", "")):
        del responses["422"]  # every text is a valid name or id: an unknown one is 404
    if "401" in responses:
        operation["security"] = [{"bearer": []}, *([{}] if needs_no_token else [])]
