"""Brings the centre's verdicts and releases down to the site, each once, as long as this bridge leads."""

import threading
import time
from collections.abc import Callable, Collection, Sequence

import structlog

from watchpost.bridge.admission import READ, require_admission
from watchpost.bridge.back_off import BackOff
from watchpost.bridge.downlink_position import brought_up_to
from watchpost.bridge.downlink_sorting import Descending, DownlinkState, Way, held_reason, sorted_out, ways
from watchpost.bridge.downlink_source import DownlinkSource, Sip
from watchpost.bridge.downlink_target import DownlinkTarget
from watchpost.bridge.ends import Ends
from watchpost.bridge.pace import Link
from watchpost.bridge.uplink import Rank
from watchpost.bridge.wire_meter import ClientMeter
from watchpost.bridge.writer_schemas import WriterSchemas
from watchpost.errors import RetryableError
from watchpost.telemetry import Health, metrics

__all__ = ["Downlink"]

_LOG = structlog.get_logger()
_NAME = "downlink"
_LOOK_AGAIN_S = 30.0
_HELD_AGAIN_S, _HELD_AGAIN_MOST_S = 5.0, 300.0
_ASK_AGAIN_S = 0.1
# shorter than the leadership's session (10 s) less a heartbeat (3 s)
_ANSWER_HOLDS_S = 2.0


class Downlink:
    """Called as a `Carrier`: one thread at a time makes its calls; they return soon after `over` is set.

    Nothing that it lacks keeps the lanes up waiting. It has a part of its own in the health.

    Args:
        ends: from where to where.
        health: its parts "site", "central" and "downlink" are kept true.
        link: what comes down counts on it.
        leads: says within so many seconds whether this bridge leads, by what the group knows; asked before each write,
            since nothing else fences the downlink.
    """

    def __init__(self, ends: Ends, health: Health, link: Link, leads: Callable[[float], bool | None]) -> None:
        self._ends = ends
        self._leads = leads
        self._health = health
        self._uplink = link.uplink
        self._ways = ways(ends.site)
        self._schemas = WriterSchemas(ends.central_client, ends.central_cluster)
        self._source = DownlinkSource(ends.watched_central_client(health), ClientMeter(link.uplink))
        self._target = DownlinkTarget(ends.watched_site_client(health))
        self._back_off = BackOff(most_s=15.0)
        self._look = _NextLook()
        self._reason: str | None = None
        self._turned_s = time.monotonic()
        self._state: DownlinkState | None = None
        # as long as the site acknowledges what is written and nothing disturbs the reading, the state holds
        self._is_sure = False

    def is_turning(self, within_s: float) -> bool:
        """Whether its loop turned lately."""
        return time.monotonic() - self._turned_s < within_s

    def open(self, over: threading.Event) -> None:
        """Nothing is taken that could be another bridge's: the site's log tells at each start how far it is."""
        if not over.is_set():
            self._waits("begins once the lanes up are open")

    def carry(self, over: threading.Event) -> None:
        """Bring down until `over` is set; waits as long as either cluster is away."""
        try:
            while not over.is_set():
                try:
                    self._work(over)
                except RetryableError as error:
                    self._is_sure = False
                    self._waits(str(error))
                    self._back_off.wait(over)
        finally:
            self._is_sure = False
            self._target.close()

    def close(self) -> None:
        """Give up the centre's connection; the downlink is not used again."""
        self._source.close()

    def _work(self, over: threading.Event) -> None:
        """Sip after sip, until the clusters must be looked at anew or `over` is set."""
        state = self._state = self._set_out()
        self._is_sure = True
        while self._is_sure and not over.is_set():
            self._turned_s = time.monotonic()
            self._target.turn()
            # what came is waited off before more is taken: the client fetches no more than one sip ahead
            if wait_s := self._uplink.wait_s(Rank.THUMBNAILS, 0, self._turned_s):
                over.wait(min(wait_s, _ASK_AGAIN_S))
                continue
            self._bring(self._source.take(), state, over)
            if self._look.is_due(is_held=bool(state.held)):
                self._look_again(state)

    def _set_out(self) -> DownlinkState:
        """Where to go on: at the centre's offsets that follow what the site's log has."""
        require_admission(self._ends.central_client, {way.source: frozenset({READ}) for way in self._ways})
        held = {} if self._state is None else self._state.held
        if held:
            self._schemas.refresh()
        state = DownlinkState(self._ends.central_cluster.cluster_id())
        for way in self._ways:
            self._set_out_on(way, state)
        # what is held still is, until it was read or deleted
        state.held = {place: hold for place, hold in held.items() if state.positions[place] <= hold.offset}
        self._source.read_from(state.positions)
        self._look.begun(is_held=bool(held))
        self._runs(state)
        return state

    def _set_out_on(self, way: Way, state: DownlinkState) -> None:
        source = self._ends.central_cluster.describe(way.source)
        target = self._ends.site_cluster.describe(way.target)
        if source.partitions.keys() != target.partitions.keys():
            raise RetryableError(
                f"{way.source} has {len(source.partitions)} partitions at the centre and {way.target} "
                f"{len(target.partitions)} at the site: each goes to the one of its number; `watchpost topics apply` "
                "makes both alike, and never changes one that is there"
            )
        state.topic_ids[way.source] = source.topic_id
        brought = brought_up_to(self._ends.site_client, target, state.cluster_id, source.topic_id)
        for partition, held in source.partitions.items():
            wanted = brought.get(partition, held.low)
            lost = max(0, held.low - wanted)
            if lost or wanted > held.high:
                _LOG.warning("downlink gap", topic=way.source, partition=partition, at=wanted, then=held)
                metrics.BRIDGE_LOST_RECORDS.labels(_NAME).inc(lost)
            state.positions[way.source, partition] = min(max(wanted, held.low), held.high)

    def _bring(self, sip: Sip, state: DownlinkState, over: threading.Event) -> None:
        if sip.messages:
            found = sorted_out(sip.messages, state, self._ends.site, self._schemas.read_as)
            # after reading: what was read of a topic made anew must not count as the old one's
            if not self._are_same_topics(state, {record.source for record in found.descending}):
                return
            self._write(found.descending)
            metrics.BRIDGE_DOWNLINK_FOREIGN.inc(found.foreign)
            found.applied_to(state)
            self._source.hold(state.held)
            self._back_off.reset()
            self._runs(state)
        if sip.disturbed is not None:
            _LOG.warning("the centre must be looked at anew", reason=sip.disturbed)
            self._is_sure = False
            self._back_off.wait(over)

    def _write(self, records: Sequence[Descending]) -> None:
        if not records:
            return
        asked_s = time.monotonic()
        if not self._leads(_ANSWER_HOLDS_S):
            raise RetryableError("the group does not say that this bridge still leads")
        if time.monotonic() - asked_s > _ANSWER_HOLDS_S:
            raise RetryableError("the answer whether this bridge leads came too late: the process stood still")
        self._target.write(records)
        for record in records:
            metrics.BRIDGE_DOWNLINK_RECORDS.labels(record.topic.value).inc()

    def _look_again(self, state: DownlinkState) -> None:
        """Now and then, also when nothing comes: can what is held go now, are they still the same topics?"""
        if state.held:
            self._is_sure = False
        elif self._are_same_topics(state, state.topic_ids):
            self._look.begun(is_held=False)

    def _are_same_topics(self, state: DownlinkState, topics: Collection[str]) -> bool:
        for topic in topics:
            found = self._ends.central_cluster.topic_id(topic)
            if found != state.topic_ids[topic]:
                _LOG.warning("topic was made anew at the centre", topic=topic, topic_id=found)
                self._is_sure = False
                return False
        return True

    def _waits(self, reason: str) -> None:
        """Only a new reason is logged: a day's outage must not fill the log."""
        self._turned_s = time.monotonic()
        if reason != self._reason:
            _LOG.warning("downlink waits", reason=reason)
        self._reason = reason
        self._health.waiting(_NAME, reason)

    def _runs(self, state: DownlinkState) -> None:
        reason = held_reason(state.held)
        if reason is not None:
            self._waits(reason)
            return
        self._reason = None
        self._health.ready(_NAME)


class _NextLook:
    """When the centre is looked at again though nothing disturbs: where something is held soon, but ever later."""

    def __init__(self) -> None:
        self._since_s = time.monotonic()
        self._held_for_s = _HELD_AGAIN_S

    def begun(self, *, is_held: bool) -> None:
        """It is looked at now."""
        self._since_s = time.monotonic()
        self._held_for_s = min(_HELD_AGAIN_MOST_S, self._held_for_s * 2) if is_held else _HELD_AGAIN_S

    def is_due(self, *, is_held: bool) -> bool:
        return time.monotonic() - self._since_s > (self._held_for_s if is_held else _LOOK_AGAIN_S)
