"""Lets each partition's records through in their order and without a hole, whatever Faust does at a rebalance."""

from collections.abc import Awaitable, Callable

import structlog

from watchpost.errors import RetryableError

__all__ = ["GaplessReading"]

_LOG = structlog.get_logger()


class GaplessReading:
    """Where each partition has been read to since its assignment.

    Args:
        begin: the offset from which a partition is read since its assignment, None until that is settled.
        first_offset: the oldest offset that a partition's log still has.

    """

    def __init__(self, begin: Callable[[int], int | None], first_offset: Callable[[int], Awaitable[int]]) -> None:
        self._begin = begin
        self._first_offset = first_offset
        self._next: dict[int, int] = {}

    def forget(self) -> None:
        """Begin anew with every partition: they are being shared out again."""
        self._next.clear()

    async def admits(self, partition: int, offset: int) -> bool:
        """False for a record that was taken already, or that comes before the seek, after which it comes again.

        Raises:
            RetryableError: records were left out; they must be read again, by a new process.
        """
        first = partition not in self._next
        expected = self._begin(partition) if first else self._next[partition]
        if expected is None or offset < expected:
            return False
        self._next[partition] = offset + 1
        if offset > expected:
            await self._explain(partition, expected, offset, first=first)
        return True

    def still_holds(self, partition: int, offset: int) -> bool:
        """False when the partitions were shared out anew since `admits` said yes to this record."""
        return self._next.get(partition) == offset + 1

    async def _explain(self, partition: int, expected: int, offset: int, *, first: bool) -> None:
        if not first or offset != await self._first_offset(partition):
            raise RetryableError(f"partition {partition} jumps from offset {expected} to {offset}: reading again")
        _LOG.error("observations expired before they were read", partition=partition, count=offset - expected)
