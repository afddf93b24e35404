"""Knows callers by their tokens, of which only digests are kept: who reads the configuration cannot call.

token, entry = new_token("till", "viewer")
book = TokenBook(settings.api)
book.caller_of(token)       # Caller("till", Role.VIEWER)
"""

import hashlib
import hmac
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import structlog
import yaml
from pydantic import TypeAdapter, ValidationError

from watchpost.errors import ConfigError
from watchpost.settings import ApiSettings, TokenSettings

__all__ = ["Caller", "Role", "TokenBook", "describe_new_token", "new_token"]

_LOG = structlog.get_logger()
_TOKEN_BYTES = 32
_PREFIX = "wp_"  # so that a scanner for leaked secrets finds it
_ENTRIES: TypeAdapter[tuple[TokenSettings, ...]] = TypeAdapter(tuple[TokenSettings, ...])

_Stamp = tuple[int, int, int]


class Role(StrEnum):
    """What a caller may do. Each may do what those before it may."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"

    def includes(self, other: "Role") -> bool:
        """Whether who has this role may do what `other` may."""
        order = list(Role)
        return order.index(self) >= order.index(other)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls. `name` is also whose calls are counted together."""

    name: str
    role: Role


def new_token(name: str, role: str) -> tuple[str, TokenSettings]:
    """A token for its caller, to be shown once, and the entry of the configuration that lets it in.

    Raises:
        ConfigError: there is no such role, or the name is none.
    """
    token = _PREFIX + secrets.token_urlsafe(_TOKEN_BYTES)
    try:
        entry = TokenSettings.model_validate({"name": name, "role": role, "sha256": _digest(token)})
    except ValidationError as error:
        wrong = error.errors()[0]
        remedy = f"name one of {', '.join(Role)}" if wrong["loc"] == ("role",) else "write 1 to 64 letters"
        raise ConfigError(".".join(map(str, wrong["loc"])), wrong["msg"], remedy) from error
    return token, entry


def describe_new_token(name: str, role: str) -> Iterator[str]:
    """A new token in words for a terminal: the token, and what to write into the configuration.

    Raises:
        ConfigError: as `new_token`.
    """
    token, entry = new_token(name, role)
    yield f"the token, shown this once: {token}"
    yield "its entry for api.tokens, or for the file that api.tokens_file names:"
    yield from yaml.safe_dump([entry.model_dump()], sort_keys=False).splitlines()


class TokenBook:
    """The tokens of the settings (the environment's among them) and of the tokens file, which is read when it changes.

    A file that cannot be read when it changed changes nothing: the tokens that were known stay, and an error is logged.

    Raises:
        ConfigError: the file cannot be read at the start.
    """

    def __init__(self, settings: ApiSettings) -> None:
        self._given = settings.tokens
        self._file = settings.tokens_file
        self._stamp: _Stamp | None = None
        self._filed: Sequence[TokenSettings] = ()
        if self._file is not None:
            self._stamp = _stamp_of(self._file)
            self._filed = _read(self._file)

    def caller_of(self, token: str) -> Caller | None:
        """Who has this token. It takes as long whoever it is: all entries are compared, each in constant time."""
        self._read_what_changed()
        digest = _digest(token)
        found: TokenSettings | None = None
        for entry in (*self._given, *self._filed):
            if hmac.compare_digest(entry.sha256, digest):
                found = entry
        return None if found is None else Caller(found.name, Role(found.role))

    def _read_what_changed(self) -> None:
        if self._file is None or (stamp := _stamp_of(self._file)) == self._stamp:
            return
        self._stamp = stamp
        try:
            self._filed = _read(self._file)
        except ConfigError as error:
            _LOG.error("tokens_file_unreadable", error=str(error), still_known=len(self._filed))
        else:
            _LOG.info("tokens_file_read", tokens=len(self._filed))


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode(errors="surrogateescape")).hexdigest()


def _stamp_of(path: Path) -> _Stamp | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


def _read(path: Path) -> tuple[TokenSettings, ...]:
    remedy = "write a YAML list of entries as `watchpost token new` prints them"
    try:
        raw: Any = yaml.safe_load(path.read_text("utf-8"))
        return _ENTRIES.validate_python(raw or [])
    except OSError as error:
        raise ConfigError("api.tokens_file", f"{path} cannot be read ({error.strerror})", remedy) from error
    except (yaml.YAMLError, UnicodeDecodeError, ValidationError) as error:
        place = error.errors()[0]["loc"] if isinstance(error, ValidationError) else ()
        where = ".".join(map(str, place)) or "its top"
        raise ConfigError("api.tokens_file", f"{path} is no list of tokens (look at {where})", remedy) from None
