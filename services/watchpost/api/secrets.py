"""Keeps the passwords of cameras that came by REST in files that only this user can read: write-only for callers.

ref = secrets.write(CameraId("door"), "admin:secret")    # file:/var/lib/watchpost/secrets/door.5f0c1a2b
"""

import os
import re
import secrets as random_secrets
import time
from collections.abc import Iterable
from pathlib import Path

import structlog

from watchpost.contracts.records import CameraId

__all__ = ["SecretFiles"]

_LOG = structlog.get_logger()
_PREFIX = "file:"
# a secret is written before the spec that names it, and its writer may be another process
_ORPHAN_AFTER_S = 120.0
_OURS = re.compile(r"\.?[a-z0-9][a-z0-9_-]{0,62}\.[0-9a-f]{8}")


class SecretFiles:
    """Files of `user:password`. A changed password is a new file: the old stays whole until the new spec is in force.

    Args:
        folder: is made, for this user alone. Ingest must see it at the same path.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder.absolute()

    def write(self, camera: CameraId, credentials: str) -> str:
        """Keep `credentials` of `camera`; the `secret_ref` of its spec.

        Raises:
            OSError: the folder cannot be written to.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._folder / f"{camera}.{random_secrets.token_hex(4)}"
        partial = path.with_name(f".{path.name}")
        file = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(file, "w", encoding="utf-8") as opened:
            opened.write(credentials)
            opened.flush()
            os.fsync(opened.fileno())
        partial.rename(path)
        return f"{_PREFIX}{path}"

    def remove(self, secret_ref: str | None) -> None:
        """Remove what `write` made; any other reference, to a file of the operator's for one, is left alone."""
        path = self._ours(secret_ref)
        if path is not None:
            path.unlink(missing_ok=True)

    def sweep(self, used: Iterable[str | None], now_s: float | None = None) -> int:
        """Remove the files of ours that no spec of `used` names and that are no longer new; how many.

        Raises:
            OSError: the folder cannot be read or written to.
        """
        if not self._folder.is_dir():
            return 0
        kept = {path for ref in used if (path := self._ours(ref)) is not None}
        old_s = (time.time() if now_s is None else now_s) - _ORPHAN_AFTER_S
        orphans = [
            path
            for path in self._folder.iterdir()
            # a volume may hold more than ours: lost+found, or a file of the operator's
            if _OURS.fullmatch(path.name) and path not in kept and path.stat().st_mtime < old_s
        ]
        for path in orphans:
            path.unlink(missing_ok=True)
            _LOG.info("secret_swept", file=path.name)
        return len(orphans)

    def _ours(self, secret_ref: str | None) -> Path | None:
        if secret_ref is None or not secret_ref.startswith(_PREFIX):
            return None
        path = Path(secret_ref.removeprefix(_PREFIX))
        return path if path.parent == self._folder else None
