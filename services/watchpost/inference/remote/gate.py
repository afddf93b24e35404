"""Holds requests back until the server may take one more."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from watchpost.inference.remote.latency_limit import LatencyLimit

__all__ = ["Gate"]


class Gate:
    """First come, first served, at most `limit.most_now` at once: asyncio's semaphore cannot change its size.

    async with gate.passed() as begun: ...      # `begun` is what the limit wants to know
    """

    def __init__(self, limit: LatencyLimit) -> None:
        self._limit = limit
        self._in_flight = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    @asynccontextmanager
    async def passed(self) -> AsyncIterator[int]:
        """Wait for one's turn; it ends with the block."""
        await self._enter()
        try:
            yield self._limit.begin(self._in_flight)
        finally:
            self._in_flight -= 1
            self._wake()

    async def _enter(self) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        self._wake()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._in_flight -= 1  # its turn came in the same moment
            else:
                self._waiting.remove(turn)
            self._wake()
            raise

    def _wake(self) -> None:
        while self._waiting and self._in_flight < self._limit.most_now:
            self._in_flight += 1
            self._waiting.popleft().set_result(None)
