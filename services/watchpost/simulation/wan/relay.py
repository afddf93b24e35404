"""The relay behind a simulated link: lets connections in, refuses them, breaks them, or lets what they send vanish."""

import asyncio
import socket
from enum import StrEnum

from watchpost.simulation.wan import sockets
from watchpost.simulation.wan.connection import Connection, Direction
from watchpost.simulation.wan.line import Line, Shape
from watchpost.simulation.wan.meter import Meter

__all__ = ["LinkState", "Relay"]


class LinkState(StrEnum):
    """How a link is."""

    UP = "up"
    CUT = "cut"
    HALF_OPEN = "half_open"


class Relay:
    """All of it runs in one event loop.

    Args:
        port: where clients connect.
        target_port: where they mean to go.
        meter: counts what passes.
    """

    def __init__(self, port: int, target_port: int, meter: Meter) -> None:
        self._port, self._target_port = port, target_port
        self._connections: set[Connection] = set()
        self._accepting: asyncio.Task[None] | None = None
        self._listener: socket.socket | None = None
        self._up = Direction(Line(None, Shape(), 0), meter.passed_up)
        self._down = Direction(Line(None, Shape(), 0), meter.passed_down)
        self.state = LinkState.UP

    @property
    def awaits_reset(self) -> bool:
        """Whether `reset_after` was asked for and has not come to it."""
        return self._up.fuse.left_bytes is not None

    async def restore(self) -> None:
        """Let clients in. Connections through which bytes vanished are not among those that can go on."""
        self.state = LinkState.UP
        if self._listener is None:
            self._listener = sockets.listening(self._port)
            self._accepting = asyncio.get_running_loop().create_task(self._accept(self._listener))

    async def cut(self) -> None:
        """Refuse clients, and reset those that are here."""
        self.state = LinkState.CUT
        if self._accepting is not None:
            self._accepting.cancel()
            await asyncio.wait([self._accepting])
        if self._listener is not None:
            self._listener.close()
        self._accepting = self._listener = None
        await self.reset()

    async def half_open(self) -> None:
        """Let vanish what is under way, and all that comes."""
        self.state = LinkState.HALF_OPEN
        for connection in tuple(self._connections):
            await connection.vanish()

    async def reset(self) -> None:
        """Reset every connection."""
        self._up.fuse.left_bytes = None
        for connection in tuple(self._connections):
            await connection.reset()

    async def reset_after(self, up_bytes: int) -> None:
        """Reset every connection as soon as so many more bytes arrived at the target."""
        self._up.fuse.left_bytes = up_bytes

    async def shape(self, shape: Shape) -> None:
        """From now on; what is under way arrives as it would have."""
        self._up.line = Line(shape.up_kbps, shape, shape.seed)
        self._down.line = Line(shape.down_kbps, shape, shape.seed + 1)

    async def _accept(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            client, _ = await loop.sock_accept(listener)
            connection = Connection(client, self._connections.discard, self.reset)
            self._connections.add(connection)
            if self.state is LinkState.HALF_OPEN:
                # the target does not hear of it: who tries again and again would leave it one more each time
                await connection.vanish()
            else:
                connection.join(self._target_port, self._up, self._down)
