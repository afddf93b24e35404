"""The bridge's path: what the site wrote goes up, from its Kafka to the centre's, exactly once."""

import threading
from collections.abc import Callable, Collection
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, closing, nullcontext
from functools import partial
from typing import Protocol

import structlog

from watchpost.bridge.adoption import adopt
from watchpost.bridge.allocation import set_up_allocation
from watchpost.bridge.back_off import BackOff
from watchpost.bridge.cap import cap_of
from watchpost.bridge.carrier import Carrier
from watchpost.bridge.downlink import Downlink
from watchpost.bridge.ends import Ends, join
from watchpost.bridge.lanes import lanes
from watchpost.bridge.leadership import Leadership
from watchpost.bridge.pace import Link, link_of
from watchpost.clock import SystemClock
from watchpost.contracts import TopicName, topics
from watchpost.errors import FencedError, RetryableError
from watchpost.settings import SiteSettings
from watchpost.telemetry import Running, running

__all__ = ["adopt", "run"]

_LOG = structlog.get_logger()
_HANGS_S = 60.0


class _Carries(Protocol):
    """What works on a thread of its own as long as this bridge leads."""

    def is_turning(self, within_s: float) -> bool: ...
    def open(self, over: threading.Event) -> None: ...
    def carry(self, over: threading.Event) -> None: ...
    def close(self) -> None: ...


def run(settings: SiteSettings) -> None:
    """Carry the site's events and thumbnails to the centre, and its verdicts down, until told to stop.

    site topic ─▶ source ─▶ manifest (repeats dropped, unreadable held) ─▶ one transaction: schemas, records,
    checkpoint ─▶ central topic. Each lane has its own thread: a commit waits for the link, and an event must not wait
    for a thumbnail's. Clips go to the centre's object store beside them, where there is one, in what the link has left.
    What the centre has for this site comes down on one more thread.

    Raises:
        ConfigError: no centre is set, or its clips cannot be brought where they shall.
        FencedError: another bridge of this site took over while this one wrote.
    """
    set_up_allocation()
    clock = SystemClock()
    ends = join(settings, clock)
    link = link_of(cap_of(settings, clock))
    uploading = _uploading(settings, link)
    kinds = lanes(settings.bridge, settings.thumbnails)
    parts = ("site", "central", "leadership", "downlink", *(lane.name.value for lane in kinds))
    with running("bridge", settings, *parts) as service:
        _make_lock_topic(ends, settings, service)
        with closing(Leadership(ends.watched_site_client(service.health))) as leadership:
            lanes_up = [Carrier(lane, ends, settings, clock, service.health, link) for lane in kinds]
            carriers: list[_Carries] = [*lanes_up, Downlink(ends, service.health, link, leadership.agreed)]
            while _becomes_leader(leadership, service):
                with uploading():
                    _lead(carriers, leadership, service)
            for carrier in carriers:
                carrier.close()


def _uploading(settings: SiteSettings, link: Link) -> Callable[[], AbstractContextManager[None]]:
    """Brings clips up for as long as it is entered, where a site asks for that."""
    if settings.central is None or settings.central.clips.upload is None:
        return nullcontext
    # PyAV and the stores' clients are 20 MB, which a bridge without clips does without
    from watchpost.bridge.clip_uploads import clip_uploads, uploading  # noqa: PLC0415

    return partial(uploading, clip_uploads(settings, link.uplink))


def _make_lock_topic(ends: Ends, settings: SiteSettings, service: Running) -> None:
    (lock,) = (topic for topic in topics("site") if topic.name == TopicName.BRIDGE_LOCK)
    back_off = BackOff()
    while not service.stop.is_set():
        service.health.beat()
        try:
            ends.site_cluster.create(lock.name, lock.partitions, settings.kafka.replication, lock.settings)
        except RetryableError as error:
            service.health.waiting("site", str(error))
            back_off.wait(service.stop)
        else:
            return


def _becomes_leader(leadership: Leadership, service: Running) -> bool:
    """Wait for the leadership; False when told to stop."""
    service.health.waiting("leadership", "another bridge of this site leads, or the group is still forming")
    while not (leadership.held or service.stop.is_set()):
        service.health.beat()
        leadership.poll(0.2)
    service.health.ready("leadership")
    return not service.stop.is_set()


def _lead(carriers: Collection[_Carries], leadership: Leadership, service: Running) -> None:
    """Carry on all lanes until the leadership is lost or the service shall stop."""
    over = threading.Event()
    with ThreadPoolExecutor(len(carriers), "carrier") as pool:
        try:
            # all of them open before the first reads its checkpoint: they share its topic, and what an earlier bridge
            # left open on one lane would hide the other's
            for step in (_open, _carry):
                under_way = {pool.submit(step, carrier, over): carrier for carrier in carriers}
                while under_way:
                    for done in _first_done(under_way, leadership, service, over):
                        carrier = under_way.pop(done)
                        if _shall_start_again(done, leadership, service, over):
                            under_way[pool.submit(step, carrier, over)] = carrier
        finally:
            over.set()


def _open(carrier: _Carries, over: threading.Event) -> None:
    carrier.open(over)


def _carry(carrier: _Carries, over: threading.Event) -> None:
    carrier.carry(over)


def _first_done(
    under_way: dict[Future[None], _Carries], leadership: Leadership, service: Running, over: threading.Event
) -> list[Future[None]]:
    """Those that have ended, as soon as one has. Meanwhile the leadership is kept, or its loss ends all of them."""
    while not (done := [future for future in under_way if future.done()]):
        leadership.poll(0.2)
        if service.stop.is_set() or not leadership.held:
            over.set()
        if all(carrier.is_turning(_HANGS_S) for carrier in under_way.values()):
            service.health.beat()
    return done


def _shall_start_again(done: Future[None], leadership: Leadership, service: Running, over: threading.Event) -> bool:
    """Whether a carrier that was fenced goes on with a new producer; raises what ended it where it does not."""
    try:
        done.result()
    except FencedError as error:
        # a transaction that timed out looks like a takeover: whoever still leads was not replaced
        while (leads := leadership.confirmed()) is None and not service.stop.is_set():
            service.health.beat()
            leadership.poll(0.2)
        if leads is False:
            raise
        _LOG.warning("fenced but still leading: starting again", reason=str(error))
        return not over.is_set()
    return False
