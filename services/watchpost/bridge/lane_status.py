"""Shows how a lane is doing: what it waits for, how much lies before it, and that it still turns."""

import time

import structlog

from watchpost.bridge.backlog import Backlog
from watchpost.bridge.lanes import Lane
from watchpost.bridge.manifest import LaneState, waiting_reason
from watchpost.telemetry import Health

__all__ = ["LaneStatus"]

_LOG = structlog.get_logger()


class LaneStatus:
    """The health part that bears the lane's name, and its backlog."""

    def __init__(self, lane: Lane, backlog: Backlog, health: Health) -> None:
        self._lane = lane
        self._backlog = backlog
        self._health = health
        self._reason: str | None = None
        self._turned_s = time.monotonic()

    def is_turning(self, within_s: float) -> bool:
        """Whether the lane's loop turned lately: one that waits does, one that hangs does not."""
        return time.monotonic() - self._turned_s < within_s

    def turns(self, state: LaneState | None) -> None:
        """Said at each turn of the loop, and while it waits; the backlog is counted once a second at most."""
        self._turned_s = time.monotonic()
        self._backlog.count(state)

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
