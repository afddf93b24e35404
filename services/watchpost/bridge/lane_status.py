"""Shows how a lane is doing: what it waits for, how much lies before it, and that it still turns."""

import time
from contextlib import suppress

import structlog

from watchpost.bridge.clusters import Cluster
from watchpost.bridge.lanes import Lane
from watchpost.bridge.manifest import LaneState, waiting_reason
from watchpost.bridge.positions import unsent_records
from watchpost.errors import RetryableError
from watchpost.telemetry import Health, metrics

__all__ = ["LaneStatus"]

_LOG = structlog.get_logger()
_LAG_EVERY_S = 1.0


class LaneStatus:
    """The health part and the gauges that bear the lane's name."""

    def __init__(self, lane: Lane, site: Cluster, health: Health) -> None:
        self._lane = lane
        self._site = site
        self._health = health
        self._reason: str | None = None
        self._counted_s = 0.0
        self._turned_s = time.monotonic()

    def is_turning(self, within_s: float) -> bool:
        """Whether the lane's loop turned lately: one that waits does, one that hangs does not."""
        return time.monotonic() - self._turned_s < within_s

    def turns(self, state: LaneState | None) -> None:
        """Said at each turn of the loop, and while it waits; the lag is counted once a second at most."""
        self._turned_s = time.monotonic()
        if state is not None and time.monotonic() - self._counted_s > _LAG_EVERY_S:
            # asked of the broker: while the centre is away nothing is fetched that could tell
            with suppress(RetryableError):
                self._count_lag(state)
            self._counted_s = time.monotonic()

    def waits(self, reason: str, state: LaneState | None) -> None:
        """The lane cannot go on, for `reason`. Only a new one is logged: a day's outage must not fill the log."""
        if reason != self._reason:
            _LOG.warning("lane waits", lane=self._lane.name.value, reason=reason)
        self._reason = reason
        self._health.waiting(self._lane.name.value, reason)
        self.turns(state)

    def runs(self, state: LaneState) -> None:
        """The lane goes on; what is held in `state` it says nevertheless."""
        reason = waiting_reason(state.held)
        if reason is not None:
            self.waits(reason, state)
            return
        self._reason = None
        self._health.ready(self._lane.name.value)

    def _count_lag(self, state: LaneState) -> None:
        ends = self._site.ends_of(self._lane.topic, state.positions)
        lag = sum(unsent_records(place, ends[place.partition]) for place in state.next_positions().values())
        metrics.BRIDGE_LAG_RECORDS.labels(self._lane.name.value).set(lag)
