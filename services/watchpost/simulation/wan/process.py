"""A simulated link as a process of its own, for benchmarks: a relay in their process would share the GIL with them."""

import json
import subprocess
import sys
from types import TracebackType
from typing import Any, Self, TextIO

from watchpost.errors import RetryableError
from watchpost.simulation.wan.line import StallRule
from watchpost.simulation.wan.link import WanLink
from watchpost.simulation.wan.relay import LinkState

__all__ = ["WanProcess", "serve"]


class WanProcess:
    """As `WanLink`, in a process of its own, which ends with this one.

    Example:
        with WanProcess(broker_port) as link:
            link.shape(up_kbps=500)
            measure(link.port)
            link.meter.up_bytes

    Args:
        target_port: where it leads.
    """

    def __init__(self, target_port: int) -> None:
        self._target_port = target_port
        self.port = 0

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(  # noqa: S603  (our own module)
            [sys.executable, "-m", __package__, str(self._target_port)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.port = int(self._answer())
        self.meter = _FarMeter(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # it ends when it has nobody to listen to
        self._process.communicate()

    @property
    def state(self) -> LinkState:
        """How it is."""
        return LinkState(self.ask("state"))

    @property
    def awaits_reset(self) -> bool:
        """Whether `reset_after_bytes` has not come to its reset yet."""
        return bool(self.ask("awaits_reset"))

    def cut(self) -> None:
        """Reset all connections and refuse new ones."""
        self.ask("cut")

    def half_open(self) -> None:
        """See `WanLink.half_open`."""
        self.ask("half_open")

    def restore(self) -> None:
        """End `cut` or `half_open`."""
        self.ask("restore")

    def reset(self) -> None:
        """Reset all connections now."""
        self.ask("reset")

    def reset_after_bytes(self, up_bytes: int) -> None:
        """Reset all connections when so many more bytes have gone up."""
        self.ask("reset_after_bytes", up_bytes=up_bytes)

    def shape(
        self,
        *,
        up_kbps: float | None = None,
        down_kbps: float | None = None,
        delay_ms: float = 0.0,
        jitter_ms: float = 0.0,
        stall: StallRule | None = None,
        seed: int = 0,
    ) -> None:
        """See `WanLink.shape`."""
        standing = None if stall is None else [stall.probability, stall.stall_ms]
        self.ask(
            "shape", up_kbps=up_kbps, down_kbps=down_kbps, delay_ms=delay_ms, jitter_ms=jitter_ms, stall=standing,
            seed=seed,
        )  # fmt: skip

    def ask(self, what: str, **arguments: object) -> Any:
        """What the link in the other process answers.

        Raises:
            RetryableError: it has ended.
        """
        if self._process.stdin is None:
            raise RetryableError("the link's process has no input")
        self._process.stdin.write(json.dumps([what, arguments]) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> Any:
        line = self._process.stdout.readline() if self._process.stdout else ""
        if not line:
            raise RetryableError("the link's process ended; what it said is on standard error")
        return json.loads(line)


class _FarMeter:
    """The meter of the link in the other process."""

    def __init__(self, link: WanProcess) -> None:
        self._link = link

    @property
    def up_bytes(self) -> int:
        """All bytes that left the near end, towards the target."""
        return int(self._link.ask("up_bytes"))

    @property
    def down_bytes(self) -> int:
        """All bytes that left the target."""
        return int(self._link.ask("down_bytes"))

    def now_s(self) -> float:
        """Seconds since the meter began."""
        return float(self._link.ask("now_s"))

    def most_bytes_in_any(self, window_s: float, since_s: float = 0.0) -> int:
        """See `Meter.most_bytes_in_any`."""
        return int(self._link.ask("most_bytes_in_any", window_s=window_s, since_s=since_s))


def serve(target_port: int, asked: TextIO, answers: TextIO) -> None:
    """Run a link and do what is asked, a JSON line each, until nobody asks any more."""
    with WanLink(target_port) as link:
        _say(link.port, answers)
        for line in asked:
            what, arguments = json.loads(line)
            _say(_done(link, what, arguments), answers)


def _done(link: WanLink, what: str, arguments: dict[str, Any]) -> object:
    if arguments.get("stall") is not None:
        arguments["stall"] = StallRule(*arguments["stall"])
    found = getattr(link if hasattr(link, what) else link.meter, what)
    return found(**arguments) if callable(found) else found


def _say(answer: object, answers: TextIO) -> None:
    answers.write(json.dumps(answer) + "\n")
    answers.flush()
