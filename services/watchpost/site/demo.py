"""`watchpost demo`: a site and a centre on this machine, with real brokers and every service a process of its own.

The figures at the end come from comparing the two events topics after the sources stopped and the chain drained, not
from counters.
"""

import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml
from confluent_kafka import Consumer
from rich.console import Console

from watchpost.contracts import TopicName, decode
from watchpost.contracts.records import EventChanged
from watchpost.settings import SiteSettings, load_settings
from watchpost.simulation.wan import WanLink
from watchpost.site.delivery import Delivery, compare_events, end_offsets, group_lag_records
from watchpost.site.demo_outage import Outage, SiteEvents
from watchpost.site.demo_report import report, summary
from watchpost.site.demo_view import Arrival, DemoFigures, DemoScreen, demo_screen
from watchpost.site.processes import command_of, processes_of
from watchpost.site.scrape import scrape
from watchpost.site.specs import publish_camera_specs
from watchpost.site.supervisor import Supervisor
from watchpost.site.topics import apply_site_topics
from watchpost.site.workers import worker_ports
from watchpost.stream import client_config, value_of
from watchpost.stream.embedded import Detour, EmbeddedKafka
from watchpost.stream.free_ports import free_ports
from watchpost.telemetry import configure_logs

__all__ = ["run_demo"]

_SERVICES = ("ingest", "inference", "events", "bridge")
_SIMULATED = "sim:street?seed=7&people=4&falls=3&fps=10&size=960x540"
_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108  (frames live in memory; the folder in it is made by mkdtemp)
_REFRESH_S = 0.5
_DRAIN_S = 40.0


def run_demo(source: str | None, seconds: float | None, outage_s: float | None) -> dict[str, object]:
    """Run until `seconds` are over or Ctrl-C comes, showing events as they arrive at the centre; then the figures.

    With `outage_s` the uplink is cut for so long, and the demo also ends by itself, once that was caught up.

    Raises:
        ConfigError: the source is none.
        RetryableError: a broker cannot be started.
    """
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    console = Console(stderr=True)
    with ExitStack() as stack:
        folder = stack.enter_context(_folder(Path(tempfile.gettempdir())))
        frames = stack.enter_context(_folder(_SHARED_MEMORY if _SHARED_MEMORY.is_dir() else folder))
        detour = Detour(*free_ports(2))
        config, settings = _configure(folder, frames, source, detour)
        configure_logs("demo", settings.site.name, "console", "error")
        console.print("starting two brokers, the site's and the centre's …")
        uplink = stack.enter_context(WanLink(detour.port, detour.relay_port))
        site, central = stack.enter_context(_brokers(folder, settings, detour))
        supervisor = stack.enter_context(_services(settings, config, folder / "run"))
        arrivals = stack.enter_context(_arrivals(central))
        written = stack.enter_context(SiteEvents(site))
        figures = DemoFigures(source or "simulated street", folder / "run")
        figures.outage = None if outage_s is None else Outage(uplink, outage_s)
        with demo_screen(console, stays=seconds is None) as screen:
            watch = _Watch(settings, supervisor, arrivals, written, figures, screen)
            watch.until(stop, seconds)
            if stop.is_set():
                return report(figures, None)
            supervisor.stop("ingest")
            delivery = watch.drained(site, central)
        figures.frames_captured = end_offsets(site, TopicName.FRAMES)
        console.print(summary(figures, delivery), highlight=False, soft_wrap=True)
        return report(figures, delivery)


@contextmanager
def _services(settings: SiteSettings, config: Path, run_dir: Path) -> Iterator[Supervisor]:
    """Topics, cameras and every service, as `watchpost up` and an operator at the centre would make them."""
    apply_site_topics(settings, "site")
    apply_site_topics(settings, "central")
    publish_camera_specs(settings)
    shown = [process for process in processes_of(settings) if process.service in _SERVICES]
    supervisor = Supervisor([command_of(process, config) for process in shown], run_dir)
    try:
        supervisor.start()
        yield supervisor
    finally:
        supervisor.stop()


class _Watch:
    """Looks at everything twice a second while the demo runs."""

    def __init__(
        self,
        settings: SiteSettings,
        supervisor: Supervisor,
        arrivals: Consumer,
        written: SiteEvents,
        figures: DemoFigures,
        screen: DemoScreen,
    ) -> None:
        self._settings = settings
        self._supervisor = supervisor
        self._arrivals = arrivals
        self._written = written
        self._figures = figures
        self._screen = screen
        self._started_s = time.monotonic()

    def until(self, stop: threading.Event, seconds: float | None) -> None:
        """Look until `stop` is set or `seconds` are over, and the outage where there is one."""
        while not (stop.is_set() or self._is_over(seconds)):
            self._look()

    def drained(self, site: Mapping[str, Any], central: Mapping[str, Any]) -> Delivery:
        """Wait until every record went all the way, or say what is missing when the time for that is over."""
        deadline_s = time.monotonic() + _DRAIN_S
        while True:
            self._look()
            behind = group_lag_records(site, self._settings.inference.group, TopicName.FRAMES) + group_lag_records(
                site, self._settings.events.app_id, TopicName.OBSERVATIONS
            )
            delivery = compare_events(site, central) if behind == 0 else Delivery(0, 0, 0, 0)
            if (behind == 0 and delivery.lost == 0) or time.monotonic() > deadline_s:
                self._look()  # the last figures
                return delivery if behind == 0 else compare_events(site, central)

    def _is_over(self, seconds: float | None) -> bool:
        running_s, outage = time.monotonic() - self._started_s, self._figures.outage
        if outage is None:
            return seconds is not None and running_s >= seconds
        return outage.is_shown(running_s) and running_s >= (seconds or 0.0)

    def _look(self) -> None:
        self._supervisor.check()
        self._take_arrivals()
        self._scrape()
        self._figures.running_s = time.monotonic() - self._started_s
        self._figures.alive = self._supervisor.alive()
        if self._figures.outage is not None:
            self._break_uplink(self._figures.outage)
        self._screen.show(self._figures)

    def _break_uplink(self, outage: Outage) -> None:
        arrived = len(self._figures.arrivals)
        self._figures.events_waiting = max(0, self._written.count() - arrived)
        outage.look(self._figures.running_s, arrived, self._figures.events_waiting)

    def _take_arrivals(self) -> None:
        deadline_s = time.monotonic() + _REFRESH_S
        while (left_s := deadline_s - time.monotonic()) > 0:
            message = self._arrivals.poll(left_s)
            if message is None or message.error() is not None:
                continue
            if message.topic() == TopicName.THUMBNAILS:
                self._figures.thumbnails_central += 1
                continue
            arrival = Arrival(decode(value_of(message) or b"", EventChanged), datetime.now(UTC))
            self._figures.arrivals.append(arrival)
            self._figures.recent.append(arrival)

    def _scrape(self) -> None:
        telemetry, figures = self._settings.telemetry, self._figures
        ports: dict[str, tuple[int, ...]] = {name: (port,) for name, port in telemetry.ports.model_dump().items()}
        ports["inference"] = worker_ports(self._settings)
        found = {name: scrape(telemetry.host, *its) for name, its in ports.items()}
        # a service that is being stopped answers no more: what it last said stays
        figures.bytes_in = found["ingest"].get("watchpost_source_bytes_total", figures.bytes_in)
        figures.frames_captured = found["ingest"].get("watchpost_frames_captured_total", figures.frames_captured)
        figures.frames_analyzed = found["inference"].get("watchpost_frames_analyzed_total", figures.frames_analyzed)
        figures.frames_skipped = found["inference"].get("watchpost_frames_skipped_total", figures.frames_skipped)
        figures.lag_frames = found["inference"].get("watchpost_inference_lag_records", figures.lag_frames)
        figures.bytes_up = found["bridge"].get("watchpost_bridge_sent_bytes", figures.bytes_up)
        figures.lag_bridge = found["bridge"].get("watchpost_bridge_lag_records", figures.lag_bridge)


@contextmanager
def _folder(parent: Path) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="watchpost-demo-", dir=parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _configure(folder: Path, frames: Path, source: str | None, detour: Detour) -> tuple[Path, SiteSettings]:
    """Write the demo's config.yaml, as an operator would, and read it."""
    kafka_port, *service_ports = free_ports(1 + len(_SERVICES))
    config = {
        "site": "demo",
        "state_dir": str(folder / "state"),
        "cameras": {"street": {"source": _as_source(source)}},
        "kafka": {"embedded": {"port": kafka_port}},
        "central": {"bootstrap": f"127.0.0.1:{detour.relay_port}"},
        "frames": {"url": f"file://{frames}"},
        "telemetry": {"ports": dict(zip(_SERVICES, service_ports, strict=True))},
    }
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(config, sort_keys=False), "utf-8")
    return path, load_settings(path)


def _as_source(source: str | None) -> str:
    if source is None:
        return _SIMULATED
    return f"file:{Path(source).absolute()}?loop=1" if Path(source).exists() else source


@contextmanager
def _brokers(folder: Path, settings: SiteSettings, detour: Detour) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """The site's broker and the centre's, started and stopped side by side; yields the ways to both, past the link."""
    brokers = (
        EmbeddedKafka(folder / "kafka", port=settings.kafka.embedded.port),
        EmbeddedKafka(folder / "central", detour=detour),
    )
    with ThreadPoolExecutor(len(brokers)) as pool:
        try:
            site, central = pool.map(lambda broker: broker.start(), brokers)
            yield client_config(site, {}, "watchpost-demo"), client_config(central, {}, "watchpost-demo")
        finally:
            # killed, not stopped: what they hold is thrown away, and Ctrl-C promises five seconds
            list(pool.map(lambda broker: broker.kill(), brokers))


@contextmanager
def _arrivals(central: Mapping[str, Any]) -> Iterator[Consumer]:
    """A consumer of what arrives at the centre, as a user in the cloud would write it."""
    consumer = Consumer(
        {**central, "group.id": "watchpost-demo", "auto.offset.reset": "earliest", "isolation.level": "read_committed"}
    )
    consumer.subscribe([TopicName.EVENTS.value, TopicName.THUMBNAILS.value])
    try:
        yield consumer
    finally:
        consumer.close()
