"""Turns what a caller says of a camera's source into what its spec holds, and back into what callers may see."""

import asyncio
import re
from urllib.parse import parse_qs, urlsplit

from watchpost.api.parts import ApiParts
from watchpost.api.problems import ProblemKind, problem
from watchpost.api.source_guard import GuardedSource, guard_source
from watchpost.errors import SourceRefusedError

__all__ = ["credentials_of", "guarded", "shown_source"]

_SECRET_PARAMETER = re.compile(
    r"((?:^|[?&;])[^=&;]*(?:pass|pwd|psw|token|key|secret|auth)[^=&;]*=)[^&;]*", re.IGNORECASE
)


async def guarded(parts: ApiParts, stream_url: str, field: str) -> GuardedSource:
    """The stream that a caller may have opened. Its name is looked up in a thread.

    Raises:
        CallError: source-refused, naming `field`.
    """
    try:
        return await asyncio.to_thread(guard_source, stream_url, parts.settings.api.allowed_sources, parts.resolve)
    except SourceRefusedError as error:
        raise problem(ProblemKind.SOURCE_REFUSED, error.problem, field=field, remedy=error.remedy) from error


def credentials_of(username: str | None, password: str | None, in_url: str | None) -> str | None:
    """`user:password` for a file of secrets, from two fields or from the address; None without any.

    Raises:
        CallError: both are given, or one field alone, or they cannot be used.
    """
    if username is None and password is None:
        return in_url
    if in_url is not None:
        raise _wrong("username", "user and password stand in source, too", "give them in one place")
    if username is None or password is None:
        missing = "username" if username is None else "password"
        raise _wrong(missing, "is missing beside the other", "give username and password, or neither")
    if not username or ":" in username or username != username.strip() or not username.isprintable():
        raise _wrong("username", "holds a colon, control characters, or blanks at an end", "set another at the camera")
    if not password.isprintable() or password != password.rstrip():
        raise _wrong("password", "holds control characters, or blanks at its end", "set another at the camera")
    return f"{username}:{password}"


def shown_source(source: str) -> str:
    """A spec's source as callers may see it: with its name where that is known, without user, password or tokens."""
    address, _, fragment = source.partition("#")
    if "://" in address:
        parts = urlsplit(address)
        host = parts.netloc.rpartition("@")[2]
        name = parse_qs(fragment).get("host", [""])[0]
        if name:
            host = name + host[host.rindex(":") :] if re.search(r":[0-9]+$", host) else name
        address = parts._replace(netloc=host).geturl()
    return _SECRET_PARAMETER.sub(r"\1***", address)


def _wrong(field: str, detail: str, remedy: str) -> Exception:
    return problem(ProblemKind.INVALID_REQUEST, detail, field=field, remedy=remedy)
