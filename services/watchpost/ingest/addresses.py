"""Turns a camera's address into what has to be opened, so that a password is in one place only and never shown.

Addresses: `rtsp://`, `rtsps://`, `http://`, `https://`, `/dev/videoN`, `sim:…`, and `file:PATH`, which plays once at
its own pace; `file:PATH?loop=1` begins again at its end. In a file's path `%` and `?` are written `%25` and `%3F`.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from watchpost.errors import SourceError, SourceFailure

__all__ = ["CodedAddress", "SimAddress", "credentials_of", "parse_address", "rtsp_address"]

_LIVE_HTTP = "http,https,httpproxy,tcp,tls,crypto,data"


@dataclass(frozen=True, slots=True)
class SimAddress:
    """A rendered scene."""

    uri: str


@dataclass(frozen=True, slots=True, repr=False)
class CodedAddress:
    """Something that libav opens. `url` may hold a password: it must not be shown, hence no repr."""

    url: str
    container_format: str | None
    options: tuple[tuple[str, str], ...]
    is_file: bool
    is_looped: bool = False


def parse_address(
    source: str, secret_ref: str | None, open_timeout_s: float, *, with_sound: bool = False
) -> SimAddress | CodedAddress:
    """What a spec's source and secret point at, `with_sound` where that is wanted too.

    Raises:
        SourceError: unsupported for an address of another kind, unauthorised where the secret cannot be read.
    """
    if source.startswith("/dev/video"):
        return CodedAddress(source, "v4l2", (), is_file=False)
    match urlsplit(source).scheme:
        case "sim":
            return SimAddress(source)
        case "file":
            return _file(source)
        case "rtsp" | "rtsps":
            return rtsp_address(_with_credentials(source, secret_ref), open_timeout_s, with_sound=with_sound)
        case "http" | "https":
            # a playlist must not lead into this machine's files
            whitelist = (("protocol_whitelist", _LIVE_HTTP),)
            return CodedAddress(_with_credentials(source, secret_ref), None, whitelist, is_file=False)
        case other:
            raise SourceError(SourceFailure.UNSUPPORTED, f"{other or 'an empty'} address cannot be opened")


def rtsp_address(url: str, open_timeout_s: float, *, with_sound: bool) -> CodedAddress:
    """How a camera is opened over RTSP; `url` holds the credentials."""
    # TCP: a lost UDP packet breaks every picture up to the next keyframe, without saying so
    options = (
        ("rtsp_transport", "tcp"),
        ("allowed_media_types", "video+audio" if with_sound else "video"),
        ("timeout", str(round(open_timeout_s * 1_000_000))),
        # without these libav watches for up to five seconds before it hands out the first packet
        ("analyzeduration", "100000"),
        ("fpsprobesize", "0"),
    )
    return CodedAddress(url, None, options, is_file=False)


def credentials_of(secret_ref: str) -> tuple[str, str]:
    """User and password.

    Raises:
        SourceError: unauthorised where the secret cannot be read.
    """
    user, colon, password = _secret(secret_ref).partition(":")
    if not colon:
        raise SourceError(SourceFailure.UNAUTHORISED, f"{secret_ref} does not hold user:password")
    return user, password


def _file(source: str) -> CodedAddress:
    location, _, query = source.removeprefix("file:").partition("?")
    parameters = dict(parse_qsl(query, keep_blank_values=True))
    looped = parameters.pop("loop", "0")
    if parameters or looped not in {"0", "1"}:
        raise SourceError(SourceFailure.UNSUPPORTED, f"file: takes ?loop=0 or ?loop=1 only, got ?{query}")
    path = unquote(location.removeprefix("//"))
    # the file protocol by name: a path such as concat:… would open another one
    options = (("protocol_whitelist", "file,crypto,data"),)
    return CodedAddress(f"file:{path}", None, options, is_file=True, is_looped=looped == "1")


def _with_credentials(source: str, secret_ref: str | None) -> str:
    if secret_ref is None:
        return source
    user, password = credentials_of(secret_ref)
    parts = urlsplit(source)
    host = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=f"{quote(user, safe='')}:{quote(password, safe='')}@{host}").geturl()


def _secret(secret_ref: str) -> str:
    kind, _, name = secret_ref.partition(":")
    try:
        secret = os.environ[name] if kind == "env" else Path(name).read_text("utf-8")
    except (KeyError, OSError, UnicodeDecodeError) as error:
        raise SourceError(SourceFailure.UNAUTHORISED, f"the secret {secret_ref} cannot be read") from error
    return secret.strip()
