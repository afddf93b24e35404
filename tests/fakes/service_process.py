"""`watchpost run <service>` as a process that a test starts, ends and kills."""

import subprocess
import sys
from pathlib import Path

__all__ = ["ServiceProcess"]


class ServiceProcess:
    """One service; its output goes to the end of `log`."""

    def __init__(self, service: str, config: Path, log: Path) -> None:
        self._command = [sys.executable, "-m", "watchpost", "run", service, "--config", str(config)]
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log)

    def kill(self) -> None:
        """End it with kill -9."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def terminate(self) -> int:
        """Ask it to end; its exit code."""
        assert self._process is not None
        self._process.terminate()
        code = self._process.wait(20)
        self._process = None
        return code
