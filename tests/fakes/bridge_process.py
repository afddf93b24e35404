"""The bridge as its own process, which a test may kill, freeze and wake."""

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.waiting import wait_for

__all__ = ["BridgeProcess"]


# it takes 1 to 2 s; ten were not enough once beside other tests on two busy cores
_ENDS_WITHIN_S = 30


class BridgeProcess:
    """`watchpost run bridge` as its own process, which a test may kill, freeze and wake.

    Example:
        with site.bridge() as bridge:
            bridge.wait_until_ready()
    """

    program: tuple[str, ...] = (sys.executable, "-m", "watchpost")
    """What is run; a test may put another in its place."""

    def __init__(self, config: Path, port: int, log: Path) -> None:
        self._port = port
        self.log = log
        with log.open("w") as output:
            self._process = subprocess.Popen(
                [*self.program, "run", "bridge", "--config", str(config)],
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, "PYTHONFAULTHANDLER": "1"},
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.wake()
        self._process.terminate()
        try:
            self._process.wait(_ENDS_WITHIN_S)
        except subprocess.TimeoutExpired as hung:
            # the fault handler writes what each thread was at
            self._process.send_signal(signal.SIGABRT)
            self._process.wait(10)
            raise AssertionError(f"{hung}; its log ends:\n{self.log.read_text()[-6000:]}") from hung

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def waits_for(self) -> dict[str, str]:
        """What `/readyz` says that it waits for; that it does not answer, while it does not."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/readyz", timeout=2):
                return {}
        except urllib.error.HTTPError as answer:
            waits: dict[str, str] = json.loads(answer.read())["waits_for"]
            return waits
        except OSError as error:
            return {"http": str(error)}

    def wait_until_ready(self, within_s: float = 25.0) -> None:
        """Return when it waits for nothing."""
        wait_for(self.waits_for, lambda waits: not waits, within_s=within_s)

    def metric(self, name: str) -> float:
        """The value of one sample, such as `watchpost_bridge_leader` or `…{producer="events"}`."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/metrics", timeout=2) as answer:
            lines = answer.read().decode().splitlines()
        (value,) = (line.rsplit(" ", 1)[1] for line in lines if line.startswith(f"{name} "))
        return float(value)

    def resident_mb(self) -> float:
        """What it holds in memory by now."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        (line,) = (line for line in status.splitlines() if line.startswith("VmRSS:"))
        return int(line.split()[1]) / 1024

    def kill(self) -> None:
        """End it with kill -9."""
        self._process.kill()
        self._process.wait(10)

    def freeze(self) -> None:
        """Stop it in the middle of whatever it does, connections open."""
        self._process.send_signal(signal.SIGSTOP)

    def wake(self) -> None:
        """Let it go on after `freeze`."""
        with suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGCONT)

    def exit_status(self) -> int | None:
        """Its exit status once it has ended."""
        return self._process.poll()
