"""Watches over a worker's analysis: tells by events where it is degraded, in figures and a note what it can bear.

watch = AnalysisWatch(settings, service.health, clock)
watch.begin(producer)                                # what a worker that died left to be told
analyzer = watch.over(build_analyzer(settings))
while …:
    …
    watch.answered(observation)
    watch.tell(producer)                             # before the commit
"""

import secrets
import threading
import time
from collections.abc import Callable

from watchpost.clock import Clock
from watchpost.contracts import TopicName
from watchpost.contracts.records import EventChanged, EventPhase, FrameAnalyzed, SiteId
from watchpost.inference.analyzer import Analyzer
from watchpost.inference.capacity import Capacity, MeteredAnalyzer
from watchpost.inference.degradation import Degradation
from watchpost.inference.degraded_events import Standing
from watchpost.inference.demand import Demand, Overdemand
from watchpost.inference.wedge import WatchedAnalyzer, end_wedged
from watchpost.settings import SiteSettings
from watchpost.stream import RecordProducer
from watchpost.telemetry import Health, OpenEvents, metrics

__all__ = ["AnalysisWatch"]

_EVERY_S = 1.0
# a disk that hangs as well must not keep a worker that is of no use
_DISK_WITHIN_S = 5.0
_REMEDY = "fewer cameras, a lower max_frames, another model or another worker helps"
_HELD_UP = "something else holds it up, such as a busy CPU or a slow store of frames"


class AnalysisWatch:
    """What is said of a worker's analysis. Safe for the loop's threads, of which one calls `tell`.

    Args:
        settings: the site's; `state_dir/inference` holds the events that are open.
        health: told, as the note `load`, when the cameras send more than is looked at.
        clock: what events are dated by.
        now_s: a monotonic clock.
        end: ends the process of an analyzer that never comes back.

    """

    def __init__(
        self,
        settings: SiteSettings,
        health: Health,
        clock: Clock,
        now_s: Callable[[], float] = time.monotonic,
        end: Callable[[], None] = end_wedged,
    ) -> None:
        self._settings, self._health, self._clock, self._now_s, self._end = settings, health, clock, now_s, end
        self._kept = OpenEvents(settings.state_dir / "inference")
        self._left = self._kept.left
        self._ended = [event for event in self._left if event.phase is EventPhase.ENDED]
        opened = [event for event in self._left if event.phase is not EventPhase.ENDED]
        self._degradation = Degradation(SiteId(settings.site.name), secrets.token_hex(4), opened)
        self._capacity, self._demand, self._overdemand = Capacity(), Demand(), Overdemand()
        self._analyzer: MeteredAnalyzer | None = None
        self._remedy = _REMEDY
        self._due_s = float("-inf")
        self._lock = threading.Lock()

    def begin(self, producer: RecordProducer) -> None:
        """Queue what a worker that died may not have told, without waiting: a model may take minutes to load."""
        _send(self._left, producer)

    def over(self, analyzer: Analyzer) -> Analyzer:
        """The worker's analyzer, measured; when it hangs, its cameras are noted for the successor, and it ends."""
        self._analyzer = MeteredAnalyzer(analyzer, self._capacity, self._now_s)
        return WatchedAnalyzer(self._analyzer, self._settings.inference.wedged_after_s, self._wedged)

    def answered(self, frame: FrameAnalyzed) -> None:
        """A frame was answered, with what it shows or with why nobody looked."""
        with self._lock:
            self._degradation.answered(frame)
            self._demand.answered(frame, self._now_s())

    def tell(self, producer: RecordProducer) -> None:
        """Tell what there is to tell, acknowledged when this returns; at most once a second, else it is for nothing.

        Raises:
            RetryableError: it was not acknowledged. The next worker tells it.
        """
        now_s = self._now_s()
        if self._analyzer is None or now_s < self._due_s:
            return
        self._due_s = now_s + _EVERY_S
        with self._lock:
            self._show_load(now_s)
            told = self._degradation.check(self._standing(self._analyzer, now_s))
            self._ended += [event for event in told if event.phase is EventPhase.ENDED]
            if told:
                # before they are told: what is told and then forgotten would never end
                self._keep()
        if not told and not self._left:
            return
        _send(told, producer)
        producer.flush()
        with self._lock:
            self._left = ()
            if self._ended:
                self._ended.clear()
                self._keep()

    def _keep(self) -> None:
        self._kept.keep([*self._degradation.open_events, *self._ended])

    def _show_load(self, now_s: float) -> None:
        demand_fps, capacity_fps = self._demand.fps(now_s), self._capacity.fps(now_s)
        metrics.INFERENCE_DEMAND_FPS.set(demand_fps or 0.0)
        metrics.INFERENCE_CAPACITY_FPS.set(capacity_fps or 0.0)
        figures = _figures(demand_fps, capacity_fps)
        fits = demand_fps is not None and capacity_fps is not None and demand_fps <= capacity_fps
        self._remedy = f"{figures}: {_HELD_UP if fits else _REMEDY}"
        exceeds = self._overdemand.check(demand_fps, capacity_fps, now_s)
        self._health.note("load", f"{figures}: {_REMEDY}" if exceeds else None)

    def _standing(self, analyzer: Analyzer, now_s: float) -> Standing:
        return Standing(self._clock.now(), now_s, analyzer.degraded, self._remedy, analyzer.provenance)

    def _wedged(self) -> None:
        at_last = threading.Timer(_DISK_WITHIN_S, self._end)
        at_last.daemon = True
        at_last.start()
        try:
            if self._analyzer is not None:
                self._note_wedge(self._analyzer)
        finally:
            at_last.cancel()
            self._end()

    def _note_wedge(self, analyzer: MeteredAnalyzer) -> None:
        with self._lock:
            standing = self._standing(analyzer, self._now_s())
            self._degradation.wedged(analyzer.cameras, self._settings.inference.wedged_after_s, standing)
            self._keep()
        self._kept.give_up()


def _send(events: tuple[EventChanged, ...] | list[EventChanged], producer: RecordProducer) -> None:
    for event in events:
        metrics.EVENTS_EMITTED.labels(event.type, event.phase.value).inc()
        producer.send(TopicName.EVENTS, event, key=event.camera)


def _figures(demand_fps: float | None, capacity_fps: float | None) -> str:
    if demand_fps is None or capacity_fps is None:
        return "its speed is not known yet"
    return f"the cameras send {demand_fps:.1f} frames/s and this worker can look at {capacity_fps:.1f}"
