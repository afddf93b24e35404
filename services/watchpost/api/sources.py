"""Turns what a caller says of a camera's source into what its spec holds, and back into what callers may see."""

import asyncio
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs, urlsplit

from watchpost.api.parts import ApiParts
from watchpost.api.problems import ProblemKind, problem
from watchpost.api.source_guard import GuardedSource, Resolver, guard_source
from watchpost.api.source_url import parse_source_url
from watchpost.errors import SourceRefusedError
from watchpost.settings import without_secrets

__all__ = ["credentials_of", "guarded", "shown_source"]

_LOOKED_UP_WITHIN_S = 5.0
# threads of their own: a resolver may hang for half a minute, and who writes to Kafka must not wait for it
_LOOKUPS = ThreadPoolExecutor(8, thread_name_prefix="lookup")


async def guarded(parts: ApiParts, stream_url: str, field: str) -> GuardedSource:
    """The stream that a caller may have opened. A name is looked up apart, so that no slow one holds up other calls.

    Raises:
        CallError: source-refused, naming `field`.
    """
    try:
        host = parse_source_url(stream_url).host
        found = await _looked_up(host, parts.resolve) if isinstance(host, str) else ()
        return guard_source(stream_url, parts.settings.api.allowed_sources, lambda _name: found)
    except SourceRefusedError as error:
        raise problem(ProblemKind.SOURCE_REFUSED, error.problem, field=field, remedy=error.remedy) from error


async def _looked_up(name: str, resolve: Resolver) -> Sequence[str]:
    """The addresses of `name`; none where there are none or they do not come in time."""
    try:
        async with asyncio.timeout(_LOOKED_UP_WITHIN_S):
            return await asyncio.get_running_loop().run_in_executor(_LOOKUPS, resolve, name)
    except (OSError, UnicodeError):  # a timeout is an OSError, too
        return ()


def credentials_of(username: str | None, password: str | None, in_url: str | None) -> str | None:
    """`user:password` for a file of secrets, from two fields or from the address; None without any.

    Raises:
        CallError: both are given, or one field alone, or they cannot be used.
    """
    if username is None and password is None:
        return in_url
    if in_url is not None:
        raise _wrong("username", "user and password stand in an address, too", "give them in one place")
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
    return without_secrets(address)


def _wrong(field: str, detail: str, remedy: str) -> Exception:
    return problem(ProblemKind.INVALID_REQUEST, detail, field=field, remedy=remedy)
