"""Carries one lane's records from the site to the centre, exactly once, as long as this bridge leads."""

import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial

import structlog
from confluent_kafka import Message

from watchpost.bridge.back_off import BackOff
from watchpost.bridge.backlog import Backlog
from watchpost.bridge.delivery import Delivery
from watchpost.bridge.ends import Ends
from watchpost.bridge.envelope import CentralClock, Outgoing
from watchpost.bridge.gaps import gap_record
from watchpost.bridge.lane_status import LaneStatus
from watchpost.bridge.lanes import Lane
from watchpost.bridge.load import Load, Room
from watchpost.bridge.manifest import LaneState, Manifest, extend
from watchpost.bridge.naming import Namer
from watchpost.bridge.pace import Budget, Link
from watchpost.bridge.reading import Reading
from watchpost.bridge.repeats import Dropped, RepeatWindow
from watchpost.bridge.resumption import Break, BreakCause, given_up
from watchpost.bridge.source import Taken
from watchpost.bridge.survey import Surveyor
from watchpost.bridge.transactions import Transactions
from watchpost.bridge.uplink import Turn
from watchpost.bridge.wire_meter import ClientMeter
from watchpost.bridge.writer_schemas import WriterSchemas
from watchpost.clock import Clock
from watchpost.contracts.records import SourcePosition
from watchpost.errors import FencedError, RetryableError
from watchpost.settings import Scope, SiteSettings, version_of
from watchpost.telemetry import Health, metrics

__all__ = ["Carrier"]

_LOG = structlog.get_logger()
_LOOK_AGAIN_S = 5.0
# a camera that always sends more than the link takes would fill it with the news
_EXPIRE_EVERY_S = 30.0
_ASK_AGAIN_S = 0.1


class Carrier:
    """One lane at work. One thread at a time makes its calls; they return soon after `over` is set.

    Args:
        lane: what it carries.
        ends: from where to where.
        settings: the site's.
        clock: the site's.
        health: its parts "site", "central" and the lane's own are kept true.
        link: shared by the lanes: who goes first, what it may carry, and what it carries.
    """

    def __init__(
        self,
        lane: Lane,
        ends: Ends,
        settings: SiteSettings,
        clock: Clock,
        health: Health,
        link: Link,
    ) -> None:
        self._lane = lane
        self._ends = ends
        self._settings = settings
        self._clock = clock
        self._precedence, self._uplink = link.precedence, link.uplink
        self._meter = ClientMeter(link.uplink)
        self._backlog = Backlog(lane, ends.site_cluster, self._meter, link.forecast, clock, health)
        self._status = LaneStatus(lane, self._backlog, health)
        self._central_clock = CentralClock()
        self._schemas = WriterSchemas(ends.central_client, ends.central_cluster)
        self._namer = Namer(lane, self._schemas.known)
        self._surveyor = Surveyor(lane, ends, self._schemas)
        self._reading = Reading(ends.watched_site_client(health), ends.site_cluster, lane)
        self._transactions = Transactions(
            ends.watched_central_client(health), ends.site, lane, self._meter, self._central_clock, self._waits
        )
        self._delivery = Delivery(
            lane, ends.checkpoints, self._schemas, ends.registry, self._transactions, self._central_clock
        )
        self._budget = Budget(link.uplink)
        self._back_off = BackOff()
        self._log = _LOG.bind(lane=lane.name.value)
        self._looked_s = self._expired_s = 0.0
        # as long as one producer writes without doubt about what became of it, both of these hold; else they are
        # found out anew
        self._state: LaneState | None = None
        self._windows: dict[int, RepeatWindow] = {}

    def is_turning(self, within_s: float) -> bool:
        """Whether its loop turned lately."""
        return self._status.is_turning(within_s)

    def open(self, over: threading.Event) -> None:
        """Take the lane's transactional.id as soon as the centre answers and knows this site's cluster.

        Raises:
            FencedError: another bridge took it at the same moment.
        """
        while not over.is_set():
            try:
                if self._is_open(over):
                    return
            except RetryableError as error:
                self._mend(error, over)
            except FencedError as error:
                self._give_up(error, over)
                raise

    def carry(self, over: threading.Event) -> None:
        """Carry until `over` is set; waits as long as either cluster is away.

        Raises:
            FencedError: another producer has the transactional.id; what was sent last, the checkpoint tells.
        """
        try:
            while not over.is_set():
                try:
                    if self._is_open(over):
                        self._work(over)
                except RetryableError as error:
                    self._mend(error, over)
        except FencedError as error:
            self._give_up(error, over)
            raise
        finally:
            self._forget()

    def close(self) -> None:
        """Give up the site's connection; the carrier is not used again."""
        self._reading.close()

    def _is_open(self, over: threading.Event) -> bool:
        if self._transactions.is_open:
            return True
        self._surveyor.require_topics()
        # before the transactional.id is taken: a machine that only has this site's name must not fence the real one
        self._surveyor.checkpoint()
        return self._transactions.open(over)

    def _work(self, over: threading.Event) -> None:
        """Transaction after transaction, until the site's log must be looked at anew or `over` is set."""
        state = self._state = self._state or self._set_out(over)
        state.dropped = Dropped()  # they are read again, and dropped again
        self._backlog.sampled(self._reading.sample(state))
        self._reading.begin(state)
        self._give_up_expired(state, over)
        while self._state is not None and not over.is_set():
            self._transactions.turn()
            self._status.turns(state)
            if self._lane.goes_first or self._precedence.is_clear(wait_s=0.5):
                self._carry_some(state, over)
            if time.monotonic() - self._looked_s > _LOOK_AGAIN_S:
                self._look_again(state, over)

    def _set_out(self, over: threading.Event) -> LaneState:
        """Survey, and tell the centre what the survey found, before any record goes."""
        self._schemas.refresh()
        cluster_id, known = self._surveyor.checkpoint()
        if not self._central_clock.is_known:
            # the same checkpoint once more: its acknowledgement says what time it is at the centre
            self._delivery.deliver((), cluster_id, known.values, over)
        positions, self._windows, breaks = self._surveyor.resume(known, self._windows, over)
        state = LaneState(cluster_id, positions, self._windows)
        if breaks:
            self._reading.renew()
            self._tell(breaks, state, over)
        self._back_off.reset()
        self._status.runs(state)
        return state

    def _tell(self, breaks: Sequence[Break], state: LaneState, over: threading.Event) -> bool:
        """Write the breaks in the transaction that moves the checkpoint past them; False when `over` was set."""
        now_ms = self._central_clock.now_ms()
        version = version_of(self._settings, Scope.BRIDGE)
        told = [gap_record(self._ends.site, version, state.cluster_id, gap, now_ms, self._clock.now) for gap in breaks]
        if not self._delivery.deliver([told], state.cluster_id, state.positions.values, over):
            return False
        for gap in breaks:
            self._log.warning("delivery gap", cause=gap.cause.value, at=gap.before, then=gap.after)
            metrics.BRIDGE_LOST_RECORDS.labels(self._lane.name.value).inc(gap.lost_records or 0)
        return True

    def _carry_some(self, state: LaneState, over: threading.Event) -> None:
        room = self._room()
        taken = self._reading.take(state, *room.handful())
        if self._lane.goes_first:
            self._precedence.backlog(moves=taken.is_full)
        if taken.messages:
            taken = self._send(taken, state, room, over)
        if taken.disturbed is not None:
            self._log.warning("the site's log must be looked at anew", reason=taken.disturbed)
            self._state = None
            self._back_off.wait(over)

    def _room(self) -> Room:
        limits = self._settings.bridge
        handful_s = limits.transaction_max_ms / 1000
        max_bytes = self._budget.max_bytes(self._meter.ratio)
        return Room(limits.transaction_max_records, max_bytes, self._budget.grows_s(handful_s), handful_s)

    def _send(self, first: Taken, state: LaneState, room: Room, over: threading.Event) -> Taken:
        """Send what was taken, and what follows it while there is room; the last that was taken."""
        load = Load(first, state, self._reading, room, partial(self._named, state), over)
        if load.records:
            if not self._deliver(load, state, over):
                return load.last
            self._budget.committed(self._transactions.took_s, self._transactions.commit_s)
            self._back_off.reset()
            metrics.BRIDGE_RECORDS.labels(self._lane.name.value).inc(load.records)
        manifest = load.manifest
        metrics.BRIDGE_DROPPED_REPEATS.inc(manifest.repeats)
        manifest.applied_to(state)
        self._backlog.sent(load.records, max(at.last_at_ms for at in state.next_positions().values()))
        self._status.runs(state)
        return load.last

    def _named(self, state: LaneState, manifest: Manifest, messages: Sequence[Message]) -> list[Outgoing]:
        return extend(manifest, messages, state, self._ends.site, self._namer.named, self._central_clock.now_ms())

    def _deliver(self, load: Load, state: LaneState, over: threading.Event) -> bool:
        with self._uplink.waiting(self._lane.rank) as turn:
            return self._is_free(turn, state, over) and self._delivery.deliver(
                load.handfuls(), state.cluster_id, partial(self._reached, load, state), over, turn
            )

    def _reached(self, load: Load, state: LaneState) -> Iterable[SourcePosition]:
        """What the checkpoint says, once all was read: of a topic made anew meanwhile nothing must count."""
        if not self._is_same_topic(state):
            raise RetryableError(f"{self._lane.topic} was made anew while a transaction was under way")
        return load.manifest.positions.values()

    def _is_free(self, turn: Turn, state: LaneState, over: threading.Event) -> bool:
        """Wait until the link is free for this lane; False when `over` was set meanwhile."""
        while wait_s := turn.wait_s(0):
            if over.is_set():
                return False
            self._transactions.turn()
            self._status.turns(state)
            over.wait(min(wait_s, _ASK_AGAIN_S))
        return True

    def _look_again(self, state: LaneState, over: threading.Event) -> None:
        """Every few seconds, also when nothing comes: is it still the same topic, can what is held go now?

        And now and then: what became too old to be sent?
        """
        self._looked_s = time.monotonic()
        if not self._is_same_topic(state):
            return
        if state.held:
            self._schemas.refresh()
            self._reading.begin(state)
        if time.monotonic() - self._expired_s > _EXPIRE_EVERY_S:
            self._give_up_expired(state, over)
        self._status.runs(state)

    def _give_up_expired(self, state: LaneState, over: threading.Event) -> None:
        """Pass over what is too old, in the transaction that says so."""
        max_age_s = self._lane.max_age_s
        self._expired_s = time.monotonic()
        if max_age_s is None:
            return
        since_ms = round((self._clock.now().timestamp() - max_age_s) * 1000)
        firsts = self._ends.site_cluster.first_since(self._lane.topic, state.positions, since_ms)
        ends = self._ends.site_cluster.ends_of(self._lane.topic, state.positions)
        positions = dict(state.positions)
        breaks: list[Break] = []
        for partition, position in state.positions.items():
            first = firsts[partition]
            to_offset = ends[partition] if first is None else first
            positions[partition], lost = given_up(position, to_offset, BreakCause.EXPIRED, since_ms - 1)
            breaks += lost
        if breaks and self._tell(breaks, replace(state, positions=positions), over):
            state.positions, state.dropped = positions, Dropped()
            self._reading.begin(state)

    def _is_same_topic(self, state: LaneState) -> bool:
        """Whether the topic still is the one that the state is of; where it is not, the state is forgotten."""
        found = self._ends.site_cluster.topic_id(self._lane.topic)
        if all(position.topic_id == found for position in state.positions.values()):
            return True
        self._log.warning("topic was made anew", topic=self._lane.topic.value, topic_id=found)
        self._state = None
        return False

    def _mend(self, error: RetryableError, over: threading.Event) -> None:
        """Give up what was not finished, and wait a little."""
        self._waits(str(error))
        self._precedence_given_up()
        self._budget.slow()
        if self._transactions.is_under_way:
            # abort_transaction() would keep the producer; after an outage its sequence numbers have a hole and it fails
            # once more (OUT_OF_ORDER_SEQUENCE_NUMBER, librdkafka 2.16), seconds later
            self._forget()
        self._back_off.wait(over)

    def _give_up(self, error: FencedError, over: threading.Event) -> None:
        """Write nothing more with this producer; whoever starts the next one does so a little later."""
        self._waits(str(error))
        self._forget()
        self._back_off.wait(over)

    def _forget(self) -> None:
        """Whether the last transaction is at the centre is not known here, nor what others write from now on."""
        self._transactions.close()
        self._state = None
        self._windows = {}
        self._precedence_given_up()

    def _precedence_given_up(self) -> None:
        if self._lane.goes_first:
            self._precedence.backlog(moves=False)

    def _waits(self, reason: str) -> None:
        self._status.waits(reason, self._state)
