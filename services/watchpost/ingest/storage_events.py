"""Makes the events by which ingest tells that the disk of the recordings is too small, too full or too slow."""

from collections.abc import Callable, Iterable
from datetime import datetime

from watchpost import __version__
from watchpost.clock import Clock
from watchpost.contracts.health import end_of, health_event
from watchpost.contracts.identity import SITE_ITSELF, health_event_id
from watchpost.contracts.records import EventChanged, EventPhase, EventType, Provenance, SiteId
from watchpost.recordings import StorageTurn

__all__ = ["StorageEvents"]


class StorageEvents:
    """Tells each time that storage became low as one event, which ends when that is over.

    Args:
        site: the site's name.
        session: this life of the process.
        config_version: of what recordings were told to be.
        clock: the site's.
        tell: takes the events, from any thread.
        left: events of the process before: where storage was low then, a turn with the number 0 ends that.
    """

    def __init__(
        self,
        site: SiteId,
        session: str,
        config_version: str,
        clock: Clock,
        tell: Callable[[EventChanged], None],
        left: Iterable[EventChanged] = (),
    ) -> None:
        self._site, self._session, self._config_version = site, session, config_version
        self._clock, self._tell = clock, tell
        lows = [event for event in left if event.type == EventType.STORAGE_LOW and event.phase is not EventPhase.ENDED]
        self._open = dict(enumerate(lows[:1]))

    @property
    def are_open(self) -> bool:
        """Whether storage is low, as far as was told."""
        return bool(self._open)

    def turned(self, turn: StorageTurn) -> None:
        """Tell of a turn, which happened now."""
        now = self._clock.now()
        if turn.is_low:
            self._open[turn.number] = self._begun(turn, now)
            self._tell(self._open[turn.number])
        else:
            self._tell(end_of(self._open.pop(turn.number), now, turn.reason))

    def _begun(self, turn: StorageTurn, now: datetime) -> EventChanged:
        return health_event(
            health_event_id(self._site, SITE_ITSELF, EventType.STORAGE_LOW, self._session, turn.number),
            self._site,
            SITE_ITSELF,
            EventType.STORAGE_LOW,
            opened_at=now,
            at=now,
            detail=turn.reason,
            provenance=Provenance("", "", "", "", self._config_version, __version__),
        )
