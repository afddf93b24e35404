"""Why a server gave no answer, and what an operator can do about it."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus

import httpx

from watchpost.errors import ModelError, RetryableError

__all__ = ["Failure", "error_of", "failure_of", "said"]

_TOO_MANY = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})
_KEY = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})
_SAID_LENGTH = 200


@dataclass(frozen=True, slots=True)
class Failure:
    """What was wrong, of which setting, and the remedy.

    Args:
        key: the setting, such as `remote.url`.
        problem: what came.
        remedy: what to do.
        is_lasting: asking again changes nothing until somebody mends it.
        is_overload: fewer requests at once might have worked.
        is_of_picture: the server took offence at this one request; others may work.
        retry_after_s: when the server wants to be asked again.

    """

    key: str
    problem: str
    remedy: str
    is_lasting: bool = False
    is_overload: bool = False
    is_of_picture: bool = False
    retry_after_s: float | None = None

    def __str__(self) -> str:
        return f"{self.key}: {self.problem}; {self.remedy}"


def error_of(failure: Failure) -> ModelError | RetryableError:
    """The failure as whoever asks the scorer knows it."""
    return ModelError(str(failure)) if failure.is_lasting or failure.is_of_picture else RetryableError(str(failure))


def failure_of(response: httpx.Response, now: datetime) -> Failure:
    """What an answer other than 200 means. 404 is the caller's to look into: a model or an address may be wrong."""
    status = response.status_code
    if status in _TOO_MANY:
        wait_s = _retry_after_s(response.headers.get("Retry-After"), now)
        remedy = "give it fewer cameras or another GPU, or wait if it is still loading"
        problem = f"the server has no room ({status})"
        return Failure("remote.url", problem, remedy, is_overload=True, retry_after_s=wait_s)
    if status in _KEY:
        remedy = "set the variable or file that it names to a key that the server knows"
        return Failure("remote.api_key", f"the server does not accept it ({status})", remedy, is_lasting=True)
    if response.has_redirect_location:
        remedy = f"write the address that {_printable(response.headers['Location'])} begins with"
        return Failure("remote.url", f"the server is elsewhere ({status})", remedy, is_lasting=True)
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return Failure(
            "remote.max_side_px", "the server finds a picture too large (413)", "lower it", is_of_picture=True
        )
    if response.is_client_error:
        return _refused(status, said(response))
    return Failure("remote.url", f"the server failed ({status}): {said(response)}", "look into its log")


def _refused(status: int, why: str) -> Failure:
    problem = f"the server refuses the request ({status}): {why}"
    if "logprob" in why:
        remedy = "use a server that gives logprobs, vLLM with --max-logprobs 20 for one"
        return Failure("remote.url", problem, remedy, is_lasting=True)
    if any(word in why for word in ("continue_final_message", "add_generation_prompt", "assistant", "prefill")):
        return Failure("remote.prefill", problem, "set it to false", is_lasting=True)
    return Failure(
        "remote.model", problem, "use a model that takes pictures and a prompt this long", is_of_picture=True
    )


def said(response: httpx.Response) -> str:
    """The message in an error's body, cut to a line: OpenAI's shape, FastAPI's, or the text itself."""
    try:
        body = response.json()
    except (json.JSONDecodeError, UnicodeDecodeError):
        return _printable(response.text)
    found = body.get("error", body.get("detail", body)) if isinstance(body, dict) else body
    if isinstance(found, dict):
        found = found.get("message", found)
    return _printable(found if isinstance(found, str) else json.dumps(found))


def _printable(text: str) -> str:
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    return line if len(line) <= _SAID_LENGTH else f"{line[: _SAID_LENGTH - 3]}..."


def _retry_after_s(header: str | None, now: datetime) -> float | None:
    """Seconds, or a date, as RFC 9110 has both; anything else is as if nothing was said."""
    if header is None:
        return None
    if header.strip().isdecimal():
        return float(header)
    try:
        until = parsedate_to_datetime(header)
    except ValueError:
        return None
    return max(0.0, ((until if until.tzinfo else until.replace(tzinfo=UTC)) - now).total_seconds())
