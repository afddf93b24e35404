"""How far a lane has come, as the centre knows it: the only memory that a bridge has."""

from collections.abc import Iterable, Mapping
from typing import Any

from watchpost.bridge.clusters import Cluster
from watchpost.bridge.lanes import Lane
from watchpost.bridge.reading_to_end import read_to_end
from watchpost.clock import Clock
from watchpost.contracts import TopicName, decode
from watchpost.contracts.records import BridgeCheckpoint, SiteId, SourcePosition
from watchpost.stream import key_of, value_of

__all__ = ["Checkpoints"]

_FIRST_BACK = 64


class Checkpoints:
    """The checkpoint topic of one site."""

    def __init__(self, site: SiteId, client: Mapping[str, Any], central: Cluster, clock: Clock) -> None:
        self._site = site
        self._client = client
        self._central = central
        self._clock = clock

    @property
    def topic(self) -> str:
        """The topic's name, the site filled in."""
        return TopicName.CHECKPOINTS.of(self._site)

    def last_of(self, lane: Lane) -> BridgeCheckpoint | None:
        """The lane's committed checkpoint as of now.

        Read it after `init_transactions()`: before that, another bridge may still commit a later one.

        Raises:
            RetryableError: the centre does not answer, or an open transaction hides the end.
        """
        # backwards from the end: the log is compacted only an hour later, and a thin link must not carry all of it
        held = self._central.describe(self.topic).partitions[0]
        back = _FIRST_BACK
        while True:
            start = max(held.low, held.high - back)
            found = [
                value
                for message in read_to_end(self._client, self._central, self.topic, start)
                if key_of(message) == lane.name.encode() and (value := value_of(message)) is not None
            ]
            if found:
                return decode(found[-1], BridgeCheckpoint)
            if start == held.low:
                return None
            back *= 16

    def saying(self, lane: Lane, cluster_id: str, positions: Iterable[SourcePosition]) -> BridgeCheckpoint:
        """A checkpoint of these positions; partitions that were never touched are left out."""
        touched = (at for at in positions if at.next_offset or at.epoch or at.sent_ahead)
        return BridgeCheckpoint(
            site=self._site,
            producer=lane.name.value,
            source_cluster_id=cluster_id,
            positions=tuple(sorted(touched, key=lambda position: (position.topic, position.partition))),
            written_at=self._clock.now(),
        )
