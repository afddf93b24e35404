"""Finds the camera that already shows what a call asks for, so that no stream is read twice."""

import hmac
import os
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from watchpost.api.source_guard import GuardedSource
from watchpost.api.stream_addresses import same_stream
from watchpost.contracts.records import CameraSpec, SpecOrigin

__all__ = ["find_running"]


def find_running(specs: Iterable[CameraSpec], wanted: GuardedSource, now: datetime) -> CameraSpec | None:
    """The camera of the configuration or of REST that has this stream *and* these credentials.

    Who does not know a camera's password must not see through it: without credentials no camera is found that has any.
    A secret that this process cannot read (another service's environment) is none that a caller can know.
    """
    running = [
        spec
        for spec in specs
        if spec.origin is not SpecOrigin.ANALYZE and (spec.expires_at is None or spec.expires_at > now)
    ]
    for spec in sorted(running, key=lambda spec: (spec.origin != SpecOrigin.CONFIG, spec.camera)):
        if _is_named(spec, wanted) and _same_credentials(spec.secret_ref, wanted.credentials):
            return spec
    return None


def _is_named(spec: CameraSpec, wanted: GuardedSource) -> bool:
    """Whether one of the camera's streams is the one that is wanted: what is seen of either is seen of the camera."""
    streams = [stream for stream in (spec.source, spec.substream) if stream is not None]
    return any(same_stream(stream, address) for stream in streams for address in (wanted.source, wanted.shown))


def _same_credentials(secret_ref: str | None, credentials: str | None) -> bool:
    if secret_ref is None or credentials is None:
        return secret_ref is None and credentials is None
    kind, _, name = secret_ref.partition(":")
    try:
        secret = os.environ[name] if kind == "env" else Path(name).read_text("utf-8")
    except (KeyError, OSError, UnicodeDecodeError):
        return False
    return hmac.compare_digest(secret.strip().encode(), credentials.encode())
