"""Counts what a lane has not brought yet, how old that is, and when it will be there."""

import time
from collections.abc import Sequence
from contextlib import suppress

from confluent_kafka import Message

from watchpost.bridge.clusters import Cluster
from watchpost.bridge.forecast import Forecast, LaneCount
from watchpost.bridge.lanes import Lane
from watchpost.bridge.manifest import LaneState
from watchpost.bridge.positions import unsent_records
from watchpost.bridge.wire_meter import ClientMeter
from watchpost.clock import Clock
from watchpost.contracts.records import SourcePosition
from watchpost.errors import RetryableError
from watchpost.stream import value_of
from watchpost.telemetry import Health, metrics

__all__ = ["Backlog"]

_COUNT_EVERY_S = 1.0


class Backlog:
    """One lane's backlog, in metrics and in `/healthz`. For the lane's thread.

    Args:
        lane: whose.
        site: asked where its log ends: while the centre is away nothing is fetched that could tell.
        meter: what the lane's producer sends.
        forecast: shared by the lanes.
        clock: the site's.
        health: shows it.
    """

    def __init__(
        self, lane: Lane, site: Cluster, meter: ClientMeter, forecast: Forecast, clock: Clock, health: Health
    ) -> None:
        self._lane, self._site = lane, site
        self._meter, self._forecast = meter, forecast
        self._clock, self._health = clock, health
        self._counted_s = 0.0
        self._known: dict[int, SourcePosition] = {}
        self._sent_records = 0
        # nothing that waits was written before this, as far as is known
        self._waits_since_ms: int | None = None

    def sampled(self, waiting: Sequence[Message]) -> None:
        """The first of what waits, read before anything is sent."""
        if waiting:
            self._forecast.sampled(self._lane.name, sum(len(value_of(one) or b"") for one in waiting) / len(waiting))
            self._waits_since_ms = min(_written_ms(one) for one in waiting)

    def sent(self, records: int, last_at_ms: int) -> None:
        """So many went, and nothing that was written before `last_at_ms` waits any more."""
        self._sent_records += records
        if not self._lane.newest_first:
            self._waits_since_ms = max(self._waits_since_ms or 0, last_at_ms)

    def count(self, state: LaneState | None) -> None:
        """Count once a second at most; without a state from where the lane stood last."""
        now_s = time.monotonic()
        if now_s - self._counted_s < _COUNT_EVERY_S:
            return
        self._counted_s = now_s
        if state is not None:
            self._known = state.next_positions()
        if not self._known:
            return
        with suppress(RetryableError):
            ends = self._site.ends_of(self._lane.topic, self._known)
            waiting = sum(unsent_records(place, ends[place.partition]) for place in self._known.values())
            self._show(waiting, now_s)

    def _show(self, waiting_records: int, now_s: float) -> None:
        count = LaneCount(now_s, waiting_records, self._sent_records, self._meter.wire_bytes)
        self._forecast.seen(self._lane.name, count)
        catch_up_s = self._forecast.catch_up_s()
        now_ms = round(self._clock.now().timestamp() * 1000)
        if not waiting_records:
            self._waits_since_ms = None
        elif self._waits_since_ms is None:
            self._waits_since_ms = now_ms
        oldest_s = 0.0 if self._waits_since_ms is None else max(0, now_ms - self._waits_since_ms) / 1000
        metrics.BRIDGE_LAG_RECORDS.labels(self._lane.name.value).set(waiting_records)
        metrics.BRIDGE_OLDEST_UNSENT_SECONDS.labels(self._lane.name.value).set(oldest_s)
        metrics.BRIDGE_CATCH_UP_SECONDS.set(float("inf") if catch_up_s is None else catch_up_s)
        self._health.show(self._lane.name.value, {"waiting_records": waiting_records, "oldest_s": round(oldest_s, 1)})
        self._health.show("uplink", {"catch_up_s": None if catch_up_s is None else round(catch_up_s, 1)})


def _written_ms(message: Message) -> int:
    return int(message.timestamp()[1])
