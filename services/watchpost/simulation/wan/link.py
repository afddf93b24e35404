"""A link that a test, a benchmark or the demo holds in its hand: a relay in a thread of its own."""

import asyncio
import threading
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Self, TypeVar

from watchpost.simulation.wan.line import Shape, StallRule
from watchpost.simulation.wan.meter import Meter
from watchpost.simulation.wan.relay import LinkState, Relay
from watchpost.stream.free_ports import free_port

__all__ = ["WanLink"]

_ANSWER_S = 10.0
ResultT = TypeVar("ResultT")


class WanLink:
    """Takes TCP connections on a loopback port and carries them to another, as well or as badly as it is told.

    A user's process cannot take the kernel's part: what vanishes in a half-open link is still acknowledged by TCP, so
    keepalives and TCP's own timeouts see a peer that lives. Only a client's own timeouts notice.

    Example:
        with WanLink(broker_port) as link:
            link.shape(up_kbps=500, delay_ms=100)
            connect(link.port)
            link.cut()

    Args:
        target_port: where it leads.
        port: where clients connect; a free one by default.
    """

    def __init__(self, target_port: int, port: int | None = None) -> None:
        # of a range that outgoing connections are not given: the port must be there again after a cut
        self.port = free_port() if port is None else port
        self.meter = Meter()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="wan-link", daemon=True)
        self._relay = Relay(self.port, target_port, self.meter)

    @property
    def state(self) -> LinkState:
        """How it is."""
        return self._relay.state

    @property
    def awaits_reset(self) -> bool:
        """Whether `reset_after_bytes` has not come to its reset yet."""
        return self._relay.awaits_reset

    def __enter__(self) -> Self:
        self._thread.start()
        self.restore()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.cut()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_ANSWER_S)
        self._loop.close()

    def cut(self) -> None:
        """Reset all connections and refuse new ones."""
        self._do(self._relay.cut())

    def half_open(self) -> None:
        """From now on all bytes vanish, those under way too, while connections stay open and nothing says so.

        New connections are taken, and as silent. After `restore` new ones go through; those that lost bytes stay silent
        for good, as behind a router that forgot them. `reset` tells them, as a router that does not know them might.
        """
        self._do(self._relay.half_open())

    def restore(self) -> None:
        """End `cut` or `half_open`."""
        self._do(self._relay.restore())

    def reset(self) -> None:
        """Reset all connections now; new ones are welcome as before."""
        self._do(self._relay.reset())

    def reset_after_bytes(self, up_bytes: int) -> None:
        """Reset all connections when so many more bytes have gone up: in the middle of a request, say."""
        self._do(self._relay.reset_after(up_bytes))

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
        """Be like this from now on (see `Shape`); what is not named is not limited."""
        self._do(self._relay.shape(Shape(up_kbps, down_kbps, delay_ms, jitter_ms, stall, seed)))

    def _do(self, step: Coroutine[Any, Any, ResultT]) -> ResultT:
        return asyncio.run_coroutine_threadsafe(step, self._loop).result(_ANSWER_S)
