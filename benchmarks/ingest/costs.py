"""Measures what a program costs, its children included."""

import os
import subprocess
from collections.abc import Sequence

__all__ = ["cpu_s_of"]


def cpu_s_of(command: Sequence[str]) -> float:
    """CPU seconds (user and system) of a program and of what it waited for.

    Raises:
        CalledProcessError: it failed.
    """
    with subprocess.Popen(command) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return usage.ru_utime + usage.ru_stime
