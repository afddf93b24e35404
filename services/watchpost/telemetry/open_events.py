"""Keeps on disk which events a process has open, so that whoever comes after one that died tells how they go on.

A process, here a worker, takes the first place in the folder that no living one has, for its life: however it ends, it
gives its place up, and the next that starts finds what lies there.
"""

import base64
import fcntl
import json
import os
from collections.abc import Mapping, Sequence
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
        self.left: tuple[EventChanged, ...] = ()
        """What the worker that had this place before left, in its latest revisions."""
        self.memories: dict[str, bytes] = {}
        """What that worker knew of them, by event_id, for whoever goes on with them."""
        if self._lock is not None:
            self._read()

    def keep(self, events: Sequence[EventChanged], memories: Mapping[str, bytes] | None = None) -> bool:
        """Have these found by the next worker, and no others, with what is known of them by event_id.

        They are on the disk when this returns True. False: it did not take them, and the log says why.
        """
        if self._lock is None:
            return False
        fresh = self._path.with_suffix(".new")
        try:
            with fresh.open("w", encoding="utf-8") as file:
                json.dump([_entry(event, (memories or {}).get(event.event_id)) for event in events], file)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self._path)
        except OSError as error:
            _not_kept(error)
            return False
        return True

    def give_up(self) -> None:
        """Leave the place to the next worker now: a process that hangs in its driver may not end for long."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _read(self) -> None:
        try:
            entries = [_parts(entry) for entry in json.loads(self._path.read_text("utf-8"))]
        except FileNotFoundError:
            return
        except (OSError, ValueError, TypeError, ContractError) as error:
            consequence = "they stay without an end"
            _LOG.warning("open_events_unreadable", path=str(self._path), error=str(error), consequence=consequence)
            return
        self.left = tuple(event for event, _ in entries)
        self.memories = {event.event_id: memory for event, memory in entries if memory is not None}


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


def _entry(event: EventChanged, memory: bytes | None) -> str | list[str]:
    text = base64.b64encode(encode(event)).decode()
    return text if memory is None else [text, base64.b64encode(memory).decode()]


def _parts(entry: object) -> tuple[EventChanged, bytes | None]:
    match entry:
        case str(text):
            return decode(base64.b64decode(text), EventChanged), None
        case [str(text), str(memory)]:
            return decode(base64.b64decode(text), EventChanged), base64.b64decode(memory)
    raise TypeError(f"expected an event, or one with what is known of it, got {type(entry).__name__}")


def _not_kept(error: OSError) -> None:
    _LOG.warning(
        "open_events_not_kept",
        error=str(error),
        consequence="an event that is open when this process dies stays without an end",
        remedy="see that the service's folder below state_dir can be written to",
    )
