"""The small process that stands between an owner and a child program so that the child never outlives the owner.

Run as a script (`python -I -S process_guard.py …`, so only the standard library is at hand); `guarded_process.py` is
its other half. Why a process of its own, and not PR_SET_PDEATHSIG in the owner's child:

- PDEATHSIG follows the *thread* that forked: a broker started from a worker thread would die with that thread;
- the owner may be killed with -9, so nothing in the owner can be relied on to clean up;
- a pipe held by the owner would be inherited by every process that the owner forks, and so outlive it.

The guard has one thread. It holds a pidfd of the owner, which becomes readable when that very process is gone, however
it went, and then stops the child: first with SIGTERM, after the grace period with SIGKILL. The child carries
PDEATHSIG = SIGKILL towards the guard, so that kill -9 of the guard ends the child too. The guard sits in a session of
its own: Ctrl-C in the owner's terminal reaches the owner alone, which stops its children in its own order.
"""

import contextlib
import ctypes
import fcntl
import json
import os
import select
import signal
import sys
import time
from pathlib import Path
from types import FrameType

PR_SET_PDEATHSIG = 1
EXIT_LOCKED = 75  # EX_TEMPFAIL: another guard holds the pid file
EXIT_OWNER_GONE = 76
EXIT_NO_PROGRAM = 127
LOCK_WAIT_S = 0.3  # whoever only looks whether the file is locked holds the lock for a moment
NO_OWNER = 0


def main(arguments: list[str]) -> int:
    """Guard `command` and return its exit status (128 + signal where one ended it).

    The arguments are: owner's pid (0: none), grace in seconds, pid file, output file, append or
    truncate (what becomes of its old content), then the command.
    """
    owner, grace_s, pid_file, output_file, mode, *command = arguments
    owner_pid = int(owner)
    watched = select.poll()
    if owner_pid != NO_OWNER:
        try:
            watched.register(os.pidfd_open(owner_pid), select.POLLIN)
        except ProcessLookupError:
            return EXIT_OWNER_GONE
        # the owner may have died, and its pid may have been reused, before the pidfd was open
        if os.getppid() != owner_pid:
            return EXIT_OWNER_GONE
    lock = _take(Path(pid_file))
    if lock is None:
        return EXIT_LOCKED
    stop_asked = _stop_signals()
    child = _spawn(command, Path(output_file), os.O_APPEND if mode == "append" else os.O_TRUNC)
    child_fd = os.pidfd_open(child)
    os.pwrite(lock, json.dumps({"guard": os.getpid(), "owner": owner_pid, "child": child}).encode(), 0)
    os.write(sys.stdout.fileno(), f"{child}\n".encode())
    os.close(sys.stdout.fileno())
    watched.register(stop_asked, select.POLLIN)
    watched.register(child_fd, select.POLLIN)
    watched.poll()
    return _end(child, child_fd, float(grace_s))


def _take(pid_file: Path) -> int | None:
    """The locked pid file, or None when another guard holds it."""
    lock = os.open(pid_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    deadline = time.monotonic() + LOCK_WAIT_S
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                return None
            time.sleep(0.02)
        else:
            os.ftruncate(lock, 0)
            return lock


def has_ended(pid: int) -> bool:
    """Whether a process is gone. A zombie has ended too, which kill(pid, 0) would not tell."""
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([process], [], [], 0)[0])
    finally:
        os.close(process)


def _stop_signals() -> int:
    """A descriptor that becomes readable when the guard is asked to stop."""
    readable, writable = os.pipe()
    os.set_blocking(writable, False)
    signal.set_wakeup_fd(writable)

    def wake(_number: int, _frame: FrameType | None) -> None:
        """Nothing to do: the wake-up descriptor tells."""

    signal.signal(signal.SIGTERM, wake)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    return readable


def _spawn(command: list[str], output_file: Path, mode: int) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    output = os.open(output_file, os.O_WRONLY | os.O_CREAT | mode | os.O_CLOEXEC, 0o644)
    guard = os.getpid()
    child = os.fork()
    if child:
        os.close(output)
        return child
    try:
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() == guard:  # else it died before PDEATHSIG was set
            os.dup2(output, 1)
            os.dup2(output, 2)
            os.execv(command[0], command)  # noqa: S606 - no shell on purpose: the command is a list
    except OSError as error:
        os.write(output, f"{command[0]}: {error}\n".encode())
    os._exit(EXIT_NO_PROGRAM)


def _end(child: int, child_fd: int, grace_s: float) -> int:
    """Stop the child if it still runs; its exit status."""
    with contextlib.suppress(ProcessLookupError):
        signal.pidfd_send_signal(child_fd, signal.SIGTERM)
    if not select.select([child_fd], [], [], grace_s)[0]:
        signal.pidfd_send_signal(child_fd, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    return os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
