"""One connection through a simulated link: two ends, and the tasks that carry bytes between them."""

import asyncio
import contextlib
import socket
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field

from watchpost.simulation.wan import sockets
from watchpost.simulation.wan.line import Line

__all__ = ["Connection", "Direction", "Fuse"]

# what one connection may have under way in one direction, as TCP's window: so many chunks
_MOST_CHUNKS = 64
_VANISHING_BYTES = 64 * 1024


@dataclass(slots=True)
class Fuse:
    """How many bytes may still be handed over before the link breaks; None while nobody wants that."""

    left_bytes: int | None = None

    def allows(self, size_bytes: int) -> int:
        """How many of so many may be handed over, which are then taken off."""
        if self.left_bytes is None:
            return size_bytes
        allowed_bytes = min(size_bytes, self.left_bytes)
        self.left_bytes -= allowed_bytes
        return allowed_bytes

    @property
    def is_burnt(self) -> bool:
        """Whether the last of them is gone."""
        return self.left_bytes == 0


@dataclass(slots=True)
class Direction:
    """One direction of the link, which all connections share.

    Args:
        line: when what passes departs and arrives.
        count: is told how many bytes left, and when.
    """

    line: Line
    count: Callable[[int, float], None]
    fuse: Fuse = field(default_factory=Fuse)
    # of several connections that wait for room the first goes first
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


class Connection:
    """A client's socket and the target's.

    Args:
        client: the near end.
        ended: is told when both ends are closed.
        broke: is told when the link broke with the bytes that were just handed over.
    """

    def __init__(
        self,
        client: socket.socket,
        ended: Callable[["Connection"], None],
        broke: Callable[[], Coroutine[None, None, None]],
    ) -> None:
        self._ends = [sockets.prepared(client)]
        self._tasks: set[asyncio.Task[None]] = set()
        self._ended, self._broke = ended, broke
        self._ways = 2

    def join(self, target_port: int, up: Direction, down: Direction) -> None:
        """Connect to the target and carry bytes both ways."""
        self._serve(self._join(target_port, up, down))

    async def vanish(self) -> None:
        """Take what either end sends and say nothing any more, not even that the other end hung up."""
        await self._cancel()
        for end in tuple(self._ends):
            self._serve(self._swallow(end))

    async def reset(self) -> None:
        """Both ends learn at once that the connection is gone."""
        await self._cancel()
        for end in self._ends:
            sockets.reset(end)
        self._ends.clear()
        self._ended(self)

    def _serve(self, coroutine: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _cancel(self) -> None:
        """End the tasks before their sockets are closed: the loop would take a new socket of that number for theirs."""
        others = self._tasks - {asyncio.current_task()}
        for task in others:
            task.cancel()
        if others:
            await asyncio.wait(others)

    async def _join(self, target_port: int, up: Direction, down: Direction) -> None:
        client, target = self._ends[0], sockets.connecting()
        self._ends.append(target)
        try:
            await asyncio.get_running_loop().sock_connect(target, (sockets.HOST, target_port))
        except OSError:
            await self.reset()
            return
        for source, sink, direction in ((client, target, up), (target, client, down)):
            under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(_MOST_CHUNKS)
            self._serve(self._take(source, direction, under_way))
            self._serve(self._give(sink, direction, under_way))

    async def _take(
        self, source: socket.socket, direction: Direction, under_way: asyncio.Queue[tuple[float, bytes]]
    ) -> None:
        """Put onto the line what `source` sends, until it ends. While the line has no room nothing is read."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                chunk = await loop.sock_recv(source, direction.line.chunk_bytes)
            except OSError:
                await self.reset()
                return
            async with direction.turn:
                await asyncio.sleep(direction.line.wait_s(loop.time()))
                passage = direction.line.send(len(chunk), loop.time())
            direction.count(len(chunk), passage.departs_s)
            await under_way.put((passage.arrives_s, chunk))
            if not chunk:
                return

    async def _give(
        self, sink: socket.socket, direction: Direction, under_way: asyncio.Queue[tuple[float, bytes]]
    ) -> None:
        """Hand over what arrives, the end as well."""
        loop = asyncio.get_running_loop()
        try:
            while True:
                arrives_s, chunk = await under_way.get()
                if (wait_s := arrives_s - loop.time()) > 0:
                    await asyncio.sleep(wait_s)
                if not chunk:
                    break
                await loop.sock_sendall(sink, chunk[: direction.fuse.allows(len(chunk))])
                if direction.fuse.is_burnt:
                    await self._broke()
                    return
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            await self.reset()
            return
        self._ways -= 1
        if not self._ways:
            self._close()

    async def _swallow(self, end: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        with contextlib.suppress(OSError):
            while await loop.sock_recv(end, _VANISHING_BYTES):
                pass
        end.close()
        self._ends.remove(end)
        if not self._ends:
            self._ended(self)

    def _close(self) -> None:
        """Both ends said that they are done, and heard it of the other."""
        for end in self._ends:
            end.close()
        self._ends.clear()
        self._ended(self)
