"""One request to the server, and every way in which it can fail, said so that an operator can mend it."""

import json
import ssl
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

import httpx

from watchpost.errors import ConfigError
from watchpost.inference.remote.answers import top_of
from watchpost.inference.remote.failures import Failure, failure_of
from watchpost.settings import RemoteSettings

__all__ = ["ModelServer"]

# below the 5 s after which uvicorn, vLLM's server, closes a connection: a request on it would be lost
_KEEP_CONNECTION_S = 3.0
_MODELS_SHOWN = 10


class ModelServer:
    """The server that the settings name. Use it in one event loop.

    Raises ConfigError where its key or its certificate authority cannot be read.
    """

    def __init__(self, settings: RemoteSettings) -> None:
        self._settings = settings
        settings.secret()
        self._client = httpx.AsyncClient(
            verify=_trusted(settings),
            timeout=settings.timeout_s,
            limits=httpx.Limits(max_connections=None, keepalive_expiry=_KEEP_CONNECTION_S),
            trust_env=False,  # a proxy that is there for package registries must see no pictures
        )

    async def ask(self, body: dict[str, Any]) -> dict[str, float] | Failure:
        """The logarithms of the most probable next tokens' probabilities."""
        response = await self._send("POST", "chat/completions", body)
        if isinstance(response, Failure):
            return response
        if response.status_code == HTTPStatus.NOT_FOUND:
            return await self._not_found()
        if response.status_code != HTTPStatus.OK:
            return failure_of(response, datetime.now(UTC))
        found = _json(response)
        top = top_of(found)
        return _unexpected(found) if top is None else top

    async def models(self) -> tuple[str, ...] | Failure:
        """The names of the models that it serves."""
        response = await self._send("GET", "models", None)
        if isinstance(response, Failure):
            return response
        if response.status_code == HTTPStatus.NOT_FOUND:
            problem = f"there is no OpenAI interface at {self._settings.url}"
            return Failure("remote.url", problem, "write http://host:port/v1 of a model server", is_lasting=True)
        if response.status_code != HTTPStatus.OK:
            return failure_of(response, datetime.now(UTC))
        try:
            return tuple(str(model["id"]) for model in _json(response)["data"])
        except (KeyError, TypeError):
            return Failure("remote.url", "its /v1/models is no list of models", "name a model server", is_lasting=True)

    async def close(self) -> None:
        """Drop its connections."""
        await self._client.aclose()

    async def _send(self, method: str, path: str, body: dict[str, Any] | None) -> httpx.Response | Failure:
        address = f"{self._settings.url}/{path}"
        try:
            # read for each request: a key that is changed in its file is taken up
            key = self._settings.secret()
            headers = {} if key is None else {"Authorization": f"Bearer {key}"}
            return await self._client.request(method, address, json=body, headers=headers)
        except ConfigError as error:
            return Failure(error.key, error.problem, error.remedy, is_lasting=True)
        except httpx.ConnectTimeout:
            return self._away("does not answer")
        except httpx.TimeoutException:
            waited = f"has not answered within {self._settings.timeout_s:g} s"
            return Failure("remote.timeout_s", f"the server {waited}", "raise it or ask less of it", is_overload=True)
        except httpx.HTTPError as error:
            if isinstance(error.__context__ and _root(error), ssl.SSLError):
                problem = f"the server's certificate is not trusted ({_root(error)})"
                return Failure("remote.ca_file", problem, "name the file of who signed it", is_lasting=True)
            return self._away(f"cannot be reached ({str(error) or type(error).__name__})")

    def _away(self, how: str) -> Failure:
        return Failure("remote.url", f"{self._settings.url} {how}", "start the server there or correct the address")

    async def _not_found(self) -> Failure:
        known = await self.models()
        if isinstance(known, Failure):
            return known
        shown = ", ".join(known[:_MODELS_SHOWN]) or "none"
        problem = f"the server knows no {self._settings.model!r}"
        return Failure("remote.model", problem, f"it serves {shown}: write one of these", is_lasting=True)


def _trusted(settings: RemoteSettings) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if settings.ca_file is not None:
        try:
            context.load_verify_locations(settings.ca_file)
        except (OSError, ssl.SSLError) as error:
            problem = f"{settings.ca_file} holds no certificates ({error})"
            raise ConfigError("remote.ca_file", problem, "name a PEM file") from error
    return context


def _root(error: BaseException) -> BaseException:
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    return error


def _json(response: httpx.Response) -> Any:
    try:
        return response.json()
    except (json.JSONDecodeError, UnicodeDecodeError):
        return None


def _unexpected(body: Any) -> Failure:
    if isinstance(body, dict) and body.get("choices"):
        remedy = "use a server that gives them, such as vLLM, SGLang or llama.cpp's"
        return Failure("remote.url", "the server answers without top_logprobs", remedy, is_lasting=True)
    return Failure("remote.url", "the answer is no chat completion in JSON", "name a server with OpenAI's interface")
