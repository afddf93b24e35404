"""Keeps on disk which events a worker has open, so that whoever comes after a worker that died tells how they go on.

A worker takes the first place in the folder that no living one has, for its life: a process that ends, however it
ends, gives its place up, and the next that starts finds what lies there.
"""

import base64
import fcntl
import json
import os
from collections.abc import Sequence
from itertools import count
from pathlib import Path

import structlog

from watchpost.contracts import decode, encode
from watchpost.contracts.records import EventChanged
from watchpost.errors import ContractError

__all__ = ["OpenEvents"]

_LOG = structlog.get_logger()


class OpenEvents:
    """One worker's place in `folder`. Without a folder that can be written to nothing is kept, and the log says so."""

    def __init__(self, folder: Path) -> None:
        self._lock: int | None = None
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._lock, self._path = _taken(folder)
        except OSError as error:
            _not_kept(error)
        self.left = () if self._lock is None else _read(self._path)
        """What the worker that had this place before left, in its latest revisions."""

    def keep(self, events: Sequence[EventChanged]) -> None:
        """Have these found by the next worker, and no others. They are on the disk when this returns."""
        if self._lock is None:
            return
        fresh = self._path.with_suffix(".new")
        try:
            with fresh.open("w", encoding="utf-8") as file:
                json.dump([base64.b64encode(encode(event)).decode() for event in events], file)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self._path)
        except OSError as error:
            _not_kept(error)

    def give_up(self) -> None:
        """Leave the place to the next worker now: a process that hangs in its driver may not end for long."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def _taken(folder: Path) -> tuple[int, Path]:
    for number in count():
        lock = os.open(folder / f"worker-{number}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
        else:
            return lock, folder / f"worker-{number}.json"
    raise AssertionError("there is always a next place")


def _read(path: Path) -> tuple[EventChanged, ...]:
    try:
        return tuple(decode(base64.b64decode(entry), EventChanged) for entry in json.loads(path.read_text("utf-8")))
    except FileNotFoundError:
        return ()
    except (OSError, ValueError, TypeError, ContractError) as error:
        _LOG.warning("open_events_unreadable", path=str(path), error=str(error), consequence="they stay without an end")
        return ()


def _not_kept(error: OSError) -> None:
    _LOG.warning(
        "open_events_not_kept",
        error=str(error),
        consequence="an event of degraded analysis that is open when this worker dies stays without an end",
        remedy="see that state_dir/inference can be written to",
    )
