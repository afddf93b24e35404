"""The owner's side of `process_guard.py`: start a program that cannot outlive this process."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from watchpost.errors import ConfigError, RetryableError
from watchpost.stream import process_guard

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["GuardRecord", "GuardedProcess", "read_guard", "require_free"]

_GRACE_S = 10.0
_LEFTOVER_WAIT_S = 25.0  # longer than any grace that is asked for


@dataclass(frozen=True, slots=True)
class GuardRecord:
    """Who holds a pid file: process ids. `owner_pid` is None for a program that runs on its own."""

    guard_pid: int
    child_pid: int
    owner_pid: int | None


def read_guard(pid_file: Path) -> GuardRecord | None:
    """Who runs under `pid_file`, or None. The lock decides, so a stale file or a reused pid deceives nobody.

    Raises:
        ConfigError: the file is another user's.

    """
    try:
        with pid_file.open() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                text = file.read()
            else:
                return None
    except (FileNotFoundError, NotADirectoryError):
        return None
    except PermissionError as error:
        raise ConfigError(str(pid_file), "it belongs to another user", "run this as that user") from error
    try:
        record = json.loads(text)
        return GuardRecord(int(record["guard"]), int(record["child"]), int(record["owner"]) or None)
    except (ValueError, KeyError):
        return None  # the guard has the lock but not yet a child


def require_free(pid_file: Path) -> None:
    """Return once nothing runs under `pid_file`, before its folder is touched.

    A program whose owner is gone is being stopped at this moment: that is waited for.

    Raises:
        ConfigError: a program that someone owns, or that runs on its own, holds it.

    """
    deadline = time.monotonic() + _LEFTOVER_WAIT_S
    while (holder := read_guard(pid_file)) is not None:
        orphaned = holder.owner_pid is not None and process_guard.has_ended(holder.owner_pid)
        if not orphaned or time.monotonic() > deadline:
            raise _in_use(pid_file, holder)
        time.sleep(0.05)


class GuardedProcess:
    """A program under a guard. It ends when this process ends, however that happens.

    Example:
        with GuardedProcess([java, "-version"], pid_file=run / "java.pid", output=run / "java.out") as java:
            java.wait(timeout_s=5)

    Args:
        command: the program (an absolute path) and its arguments.
        pid_file: locked while the program runs; a second program under the same file is refused.
        output: gets stdout and stderr.
        environment: variables to add to this process's own.
        detached: True for a program that no process owns: it runs until `stop`.
        append: True keeps what `output` held before.
        grace_s: how long the program has to end after SIGTERM.

    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        pid_file: Path,
        output: Path,
        environment: Mapping[str, str] | None = None,
        detached: bool = False,
        append: bool = False,
        grace_s: float = _GRACE_S,
    ) -> None:
        self._command = list(command)
        self._pid_file = pid_file
        self._output = output
        self._environment = dict(environment or {})
        self._detached = detached
        self._append = append
        self._grace_s = grace_s
        self._guard: subprocess.Popen[bytes] | None = None
        self._child_pid: int | None = None

    @property
    def child_pid(self) -> int | None:
        """The program's process id while it runs."""
        return self._child_pid if self.exit_status() is None else None

    def start(self) -> None:
        """Start the program.

        Raises:
            ConfigError: another live process holds the pid file.
            RetryableError: the guard could not start the program.

        """
        owner = process_guard.NO_OWNER if self._detached else os.getpid()
        mode = "append" if self._append else "truncate"
        settings = [str(owner), str(self._grace_s), str(self._pid_file), str(self._output), mode]
        guard = subprocess.Popen(  # noqa: S603 - our own script and an argument list
            [sys.executable, "-I", "-S", process_guard.__file__, *settings, *self._command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=None if not self._detached else subprocess.DEVNULL,
            env={**os.environ, **self._environment},
            start_new_session=True,
        )
        assert guard.stdout is not None  # noqa: S101 - a pipe was asked for
        with guard.stdout:
            line = guard.stdout.readline()
        self._guard = guard
        if line:
            self._child_pid = int(line)
        elif guard.wait() == process_guard.EXIT_LOCKED:
            raise _in_use(self._pid_file, read_guard(self._pid_file))
        else:
            raise RetryableError(f"the guard of {self._command[0]} ended with status {guard.returncode}")

    def exit_status(self) -> int | None:
        """The program's exit status (128 + signal where one ended it), or None while it runs or before `start`."""
        return None if self._guard is None else self._guard.poll()

    def wait(self, timeout_s: float) -> int:
        """The program's exit status, once it ended by itself.

        Raises:
            RetryableError: it still runs after `timeout_s`.

        """
        if self._guard is None:
            raise RetryableError(f"{self._command[0]} was not started")
        try:
            return self._guard.wait(timeout_s)
        except subprocess.TimeoutExpired as error:
            raise RetryableError(f"{self._command[0]} did not end within {timeout_s:g} s") from error

    def stop(self) -> None:
        """End the program: SIGTERM, then SIGKILL after the grace. Does nothing when it is not running."""
        if self._guard is not None:
            self._guard.terminate()
            self._guard.wait()

    def kill(self) -> None:
        """End the program with kill -9, as a test of what follows."""
        child = self.child_pid
        if self._guard is not None and child is not None:
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
            self._guard.wait()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def _in_use(pid_file: Path, holder: GuardRecord | None) -> ConfigError:
    if holder is None:
        by = "another process"
    elif holder.owner_pid is None:
        by = f"process {holder.child_pid}, which runs on its own"
    else:
        by = f"process {holder.child_pid}, which belongs to process {holder.owner_pid}"
    return ConfigError(str(pid_file.parent), f"this folder is in use by {by}", "stop that one, or name another folder")
