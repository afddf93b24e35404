"""Makes the events by which ingest tells that the disk of the recordings is too small, too full or too slow."""

from collections.abc import Callable
from datetime import datetime

from watchpost import __version__
from watchpost.clock import Clock
from watchpost.contracts.health import health_event
from watchpost.contracts.identity import SITE_ITSELF, health_event_id
from watchpost.contracts.records import EventChanged, EventType, Provenance, SiteId
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
    """

    def __init__(
        self, site: SiteId, session: str, config_version: str, clock: Clock, tell: Callable[[EventChanged], None]
    ) -> None:
        self._site, self._session, self._config_version = site, session, config_version
        self._clock, self._tell = clock, tell
        self._opened: dict[int, datetime] = {}

    def turned(self, turn: StorageTurn) -> None:
        """Tell of a turn, which happened now."""
        now = self._clock.now()
        opened_at = self._opened.setdefault(turn.number, now)
        if not turn.is_low:
            del self._opened[turn.number]
        self._tell(self._event(turn, opened_at, now))

    def _event(self, turn: StorageTurn, opened_at: datetime, now: datetime) -> EventChanged:
        return health_event(
            health_event_id(self._site, SITE_ITSELF, EventType.STORAGE_LOW, self._session, turn.number),
            self._site,
            SITE_ITSELF,
            EventType.STORAGE_LOW,
            opened_at=opened_at,
            at=now,
            detail=turn.reason,
            provenance=Provenance("", "", "", "", self._config_version, __version__),
            ends=not turn.is_low,
        )
