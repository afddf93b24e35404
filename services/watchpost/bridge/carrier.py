"""Carries one lane's records from the site to the centre, exactly once, as long as this bridge leads."""

import threading
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress

import structlog
from confluent_kafka import Message

from watchpost.bridge.back_off import BackOff
from watchpost.bridge.ends import Ends
from watchpost.bridge.envelope import CentralClock, Outgoing
from watchpost.bridge.gaps import gap_record
from watchpost.bridge.lanes import Carried, Lane
from watchpost.bridge.manifest import LaneState, composed, waiting_reason
from watchpost.bridge.pace import Budget, Precedence
from watchpost.bridge.repeats import Dropped, RepeatWindow
from watchpost.bridge.resumption import Break
from watchpost.bridge.source import Source
from watchpost.bridge.survey import Surveyor
from watchpost.bridge.transactions import Transactions
from watchpost.bridge.writer_schemas import WriterSchemas
from watchpost.clock import Clock
from watchpost.contracts import TopicName, encode
from watchpost.contracts.records import SourcePosition
from watchpost.errors import FencedError, RetryableError
from watchpost.settings import SiteSettings
from watchpost.telemetry import Health, metrics

__all__ = ["Carrier"]

_LOG = structlog.get_logger()
_LOOK_AGAIN_S = 5.0
_LAG_EVERY_S = 1.0


class Carrier:
    """One lane at work. One thread at a time makes its calls; they return soon after `over` is set.

    Args:
        lane: what it carries.
        ends: from where to where.
        settings: the site's.
        clock: the site's.
        health: its parts "site", "central" and the lane's own are kept true.
        precedence: shared by the lanes: who goes first.
    """

    def __init__(
        self, lane: Lane, ends: Ends, settings: SiteSettings, clock: Clock, health: Health, precedence: Precedence
    ) -> None:
        self.lane = lane
        self._ends = ends
        self._settings = settings
        self._clock = clock
        self._health = health
        self._precedence = precedence
        self._central_clock = CentralClock()
        self._schemas = WriterSchemas(ends.central_client, ends.central_cluster)
        self._surveyor = Surveyor(lane, ends, self._schemas)
        self._source = Source(ends.watched_site_client(health), lane)
        self._transactions = Transactions(
            ends.watched_central_client(health), ends.site, lane, self._central_clock, self._waits
        )
        self._budget = Budget(settings.bandwidth.max_kbps)
        self._back_off = BackOff()
        self._state: LaneState | None = None
        self._windows: dict[int, RepeatWindow] = {}
        self._looked_s = 0.0
        self._lag_s = 0.0
        self._turned_s = time.monotonic()

    def is_turning(self, within_s: float) -> bool:
        """Whether its loop turned lately: one that waits does, one that hangs does not."""
        return time.monotonic() - self._turned_s < within_s

    def open(self, over: threading.Event) -> None:
        """Take the lane's transactional.id as soon as the centre answers and knows this site's cluster.

        Raises:
            FencedError: another bridge took it at the same moment.
        """
        while not over.is_set():
            try:
                self._open(over)
            except RetryableError as error:
                self._waits(str(error))
                self._back_off.wait(over)
            except FencedError as error:
                self._give_up(error, over)
                raise
            else:
                return

    def carry(self, over: threading.Event) -> None:
        """Carry until `over` is set; waits as long as either cluster is away.

        Raises:
            FencedError: another producer has the transactional.id; what was sent last, the checkpoint tells.
        """
        try:
            while not over.is_set():
                try:
                    self._open(over)
                    self._work(over)
                except RetryableError as error:
                    self._mend(error, over)
        except FencedError as error:
            self._give_up(error, over)
            raise
        finally:
            self._state = None
            self._transactions.close()
            self._tell_backlog(moves=False)

    def close(self) -> None:
        """Give up the site's connection; the carrier is not used again."""
        self._source.close()

    def _open(self, over: threading.Event) -> None:
        if self._transactions.is_open:
            return
        self._surveyor.require_topics()
        # before the transactional.id is taken: a machine that only has this site's name must not fence the real one
        self._surveyor.checkpoint()
        self._transactions.open(over)

    def _work(self, over: threading.Event) -> None:
        """Transaction after transaction, until the site's log must be looked at anew or `over` is set."""
        if self._state is None:
            self._state = self._set_out(over)
        state = self._state
        state.dropped = Dropped()  # read again, and dropped again
        self._source.read_from(state.positions.values())
        while not over.is_set():
            self._turn(state)
            if not (self.lane.goes_first or self._precedence.is_clear(wait_s=0.5)):
                continue
            limits = self._settings.bridge
            taken = self._source.take(
                limits.transaction_max_records, self._budget.max_bytes, limits.transaction_max_ms / 1000
            )
            self._tell_backlog(moves=taken.is_full)
            if taken.messages and not self._send(taken.messages, state, over):
                return
            if taken.disturbed is not None:
                _LOG.warning("the site's log must be looked at anew", lane=self.lane.name.value, reason=taken.disturbed)
                self._state = None
                self._back_off.wait(over)
                return
            if time.monotonic() - self._looked_s > _LOOK_AGAIN_S and not self._look_again(state):
                return

    def _set_out(self, over: threading.Event) -> LaneState:
        """Survey, and tell the centre what the survey found, before any record goes."""
        self._schemas.refresh()
        cluster_id, known = self._surveyor.checkpoint()
        if not self._central_clock.is_known:
            # the same checkpoint once more: its acknowledgement says what time it is at the centre
            self._write([], cluster_id, known.values(), over)
        positions, self._windows, breaks = self._surveyor.resume(known, self._windows, over)
        state = LaneState(cluster_id, positions, self._windows)
        if breaks:
            self._tell(breaks, state, over)
        self._back_off.reset()
        self._say_state(state)
        return state

    def _tell(self, breaks: Sequence[Break], state: LaneState, over: threading.Event) -> None:
        now_ms = self._central_clock.now_ms()
        self._write(
            [
                gap_record(self._ends.site, self._settings.version, state.cluster_id, gap, now_ms, self._clock.now)
                for gap in breaks
            ],
            state.cluster_id,
            state.positions.values(),
            over,
        )
        for gap in breaks:
            _LOG.warning(
                "delivery gap", lane=self.lane.name.value, cause=gap.cause.value, at=gap.before, then=gap.after
            )
            metrics.BRIDGE_LOST_RECORDS.labels(self.lane.name.value).inc(gap.lost_records or 0)

    def _send(self, messages: Sequence[Message], state: LaneState, over: threading.Event) -> bool:
        """One transaction; False when the state is no longer the site's."""
        manifest = composed(messages, state, self._ends.site, self._read, self._central_clock.now_ms())
        if manifest.outgoing:
            # after reading: what was read of a topic made anew must not count as the old one's
            if not self._is_same_topic(state):
                return False
            started_s = time.monotonic()
            if not self._write(manifest.outgoing, state.cluster_id, manifest.positions.values(), over):
                return False
            self._budget.committed(time.monotonic() - started_s)
            self._back_off.reset()
            metrics.BRIDGE_RECORDS.labels(self.lane.name.value).inc(len(manifest.outgoing))
        metrics.BRIDGE_DROPPED_REPEATS.inc(manifest.repeats)
        manifest.applied_to(state)
        self._source.hold(state.held)
        self._say_state(state)
        return True

    def _write(
        self, records: Sequence[Outgoing], cluster_id: str, positions: Iterable[SourcePosition], over: threading.Event
    ) -> bool:
        checkpoint = self._ends.checkpoints.saying(self.lane, cluster_id, positions)
        value = encode(checkpoint)
        now_ms = self._central_clock.now_ms()
        schemas = self._schemas.not_yet_published([value, *(record.value for record in records)])
        outgoing = [
            *(
                Outgoing(TopicName.SCHEMAS, schema.fingerprint.encode(), schema.text.encode(), (), now_ms)
                for schema in schemas
            ),
            *records,
        ]
        last = Outgoing(self._ends.checkpoints.topic, self.lane.name.encode(), value, (), now_ms)
        if not self._transactions.write(outgoing, last, over):
            return False
        self._schemas.published(schemas)
        return True

    def _look_again(self, state: LaneState) -> bool:
        """Every few seconds, also when nothing comes; False when the state is no longer the site's."""
        self._looked_s = time.monotonic()
        if not self._is_same_topic(state):
            return False
        if state.held:
            self._schemas.refresh()
            self._source.read_from(state.next_positions().values())
        self._say_state(state)
        return True

    def _is_same_topic(self, state: LaneState) -> bool:
        found = self._ends.site_cluster.topic_id(self.lane.topic)
        if all(position.topic_id == found for position in state.positions.values()):
            return True
        _LOG.warning("topic was made anew", topic=self.lane.topic.value, topic_id=found)
        self._state = None
        return False

    def _give_up(self, error: FencedError, over: threading.Event) -> None:
        """Write nothing more with this producer; whoever starts the next one does so a little later."""
        self._waits(str(error))
        self._transactions.close()
        # what the last transaction became is unknown: its records may be at the centre or not
        self._windows = {}
        self._back_off.wait(over)

    def _mend(self, error: RetryableError, over: threading.Event) -> None:
        self._waits(str(error))
        _LOG.warning("waiting to send again", lane=self.lane.name.value, reason=str(error))
        self._tell_backlog(moves=False)
        self._budget.slow()
        self._transactions.abort(over)
        self._back_off.wait(over)

    def _read(self, value: bytes) -> Carried:
        return self._schemas.read(value, self.lane)

    def _turn(self, state: LaneState) -> None:
        self._turned_s = time.monotonic()
        self._transactions.turn()
        self._count_lag(state)

    def _count_lag(self, state: LaneState) -> None:
        if time.monotonic() - self._lag_s < _LAG_EVERY_S:
            return
        with suppress(RetryableError):
            ends = self._ends.site_cluster.ends_of(self.lane.topic, state.positions)
            lag = sum(max(0, ends[place.partition] - place.next_offset) for place in state.next_positions().values())
            metrics.BRIDGE_LAG_RECORDS.labels(self.lane.name.value).set(lag)
        self._lag_s = time.monotonic()

    def _waits(self, reason: str) -> None:
        self._turned_s = time.monotonic()
        self._health.waiting(self.lane.name.value, reason)
        if self._state is not None:
            self._count_lag(self._state)

    def _say_state(self, state: LaneState) -> None:
        reason = waiting_reason(state.held)
        if reason is None:
            self._health.ready(self.lane.name.value)
        else:
            self._health.waiting(self.lane.name.value, reason)

    def _tell_backlog(self, *, moves: bool) -> None:
        if self.lane.goes_first:
            self._precedence.backlog(moves=moves)
