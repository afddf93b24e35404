"""Bytes from the observations topic into records; what nobody can read goes to the dead letters."""

from faust.types import EventT

from watchpost.contracts import decode
from watchpost.contracts.records import FrameAnalyzed, SiteId
from watchpost.errors import ContractError, WatchpostError
from watchpost.events.faust_kafka import Outgoing, SureProducer
from watchpost.stream import burial_headers
from watchpost.telemetry import metrics

__all__ = ["ObservationReader"]


class ObservationReader:
    """Reads observations of one site and buries the rest.

    Args:
        producer: writes dead letters.
        site: whose observations are expected.
        limit: more unreadable ones in a row than this stop the service, uncommitted.

    """

    def __init__(self, producer: SureProducer, site: SiteId, limit: int = 100) -> None:
        self._producer = producer
        self._site = site
        self._limit = limit
        self._in_a_row = 0

    async def read(self, event: EventT[bytes]) -> FrameAnalyzed | None:
        """The observation, or None when it was buried; the dead letter is acknowledged then.

        Raises:
            WatchpostError: too many in a row could not be read.
            RetryableError: Kafka did not take the dead letter.
        """
        value = event.message.value
        try:
            frame = self._decoded(value or b"")
        except ContractError as unreadable:
            await self._bury(event, str(unreadable))
            return None
        self._in_a_row = 0
        return frame

    def _decoded(self, value: bytes) -> FrameAnalyzed:
        frame = decode(value, FrameAnalyzed)
        if frame.site != self._site:
            raise ContractError(f"this is an observation of site {frame.site!r}, here is {self._site!r}")
        return frame

    async def _bury(self, event: EventT[bytes], reason: str) -> None:
        self._in_a_row += 1
        message = event.message
        if self._in_a_row > self._limit:
            raise WatchpostError(
                f"{self._limit} records in a row of {message.topic} could not be read, last: {reason}; a newer "
                "producer or another program may be writing to this topic: mend that, then start again"
            )
        origin = burial_headers(reason, "events", message.topic, message.partition, message.offset)
        theirs = [(str(name), value or b"") for name, value in _pairs(message.headers)]
        letter = Outgoing(f"{message.topic}.dlq", message.key, message.value, headers=(*theirs, *origin))
        await self._producer.deliver([letter])
        metrics.DEAD_LETTERS.labels(message.topic).inc()


def _pairs(headers: object) -> list[tuple[str, bytes | None]]:
    if isinstance(headers, dict):
        return list(headers.items())
    return list(headers) if isinstance(headers, (list, tuple)) else []
