"""Finds the camera that already shows what a call asks for, so that no stream is read twice."""

import hmac
import os
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from watchpost.api.source_guard import GuardedSource
from watchpost.contracts.records import CameraSpec, SpecOrigin

__all__ = ["find_running", "same_stream"]

_USUAL_PORTS = {"rtsp": 554, "rtsps": 322, "http": 80, "https": 443}


def find_running(specs: Iterable[CameraSpec], wanted: GuardedSource, now: datetime) -> CameraSpec | None:
    """The camera of the configuration or of REST that has this source *and* these credentials.

    Who does not know a camera's password must not see through it: without credentials no camera is found that has any.
    A secret that this process cannot read (another service's environment) is none that a caller can know.
    """
    running = [
        spec
        for spec in specs
        if spec.origin is not SpecOrigin.ANALYZE and (spec.expires_at is None or spec.expires_at > now)
    ]
    for spec in sorted(running, key=lambda spec: (spec.origin != SpecOrigin.CONFIG, spec.camera)):
        named = any(same_stream(spec.source, address) for address in (wanted.source, wanted.shown))
        if named and _same_credentials(spec.secret_ref, wanted.credentials):
            return spec
    return None


def same_stream(one: str, other: str) -> bool:
    """Whether two addresses without credentials name one stream: a port that is the usual one may be left out."""
    return _plain(one) == _plain(other)


def _plain(address: str) -> tuple[str, str, int | None, str, str]:
    try:
        parts = urlsplit(address)
        return (
            parts.scheme,
            (parts.hostname or "").lower(),
            parts.port or _USUAL_PORTS.get(parts.scheme),
            parts.path or "/",
            parts.query,
        )
    except ValueError:  # what the configuration holds need be no address of a network
        return ("", "", None, address, "")


def _same_credentials(secret_ref: str | None, credentials: str | None) -> bool:
    if secret_ref is None or credentials is None:
        return secret_ref is None and credentials is None
    kind, _, name = secret_ref.partition(":")
    try:
        secret = os.environ[name] if kind == "env" else Path(name).read_text("utf-8")
    except (KeyError, OSError, UnicodeDecodeError):
        return False
    return hmac.compare_digest(secret.strip().encode(), credentials.encode())
