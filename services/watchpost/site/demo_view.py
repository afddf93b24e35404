"""What the demo shows: the page of a site and its centre on a terminal, plain lines anywhere else."""

from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from watchpost.contracts.records import EventChanged, EventPhase, EventType
from watchpost.site.demo_outage import Outage, OutagePhase

__all__ = ["Arrival", "DemoFigures", "DemoScreen", "demo_screen", "line", "render"]

_SHOWN_EVENTS = 12
# below, the columns would be too narrow to be read
_WIDE = 90
_NARROW_COLUMNS = {"time", "event", "phase", "after capture"}


@dataclass(frozen=True, slots=True)
class Arrival:
    """An event revision as it came in at the centre."""

    event: EventChanged
    at: datetime

    @property
    def latency_ms(self) -> float:
        """From the capture of the frame that the revision tells of to its arrival at the centre."""
        return (self.at - self.event.at).total_seconds() * 1000


@dataclass(slots=True)
class DemoFigures:
    """What the demo knows at a moment; the view shows it and the report is made of it."""

    source: str
    logs: Path
    running_s: float = 0.0
    frames_captured: float = 0
    frames_analyzed: float = 0
    frames_skipped: float = 0
    bytes_in: float = 0
    bytes_up: float = 0
    thumbnails_central: int = 0
    lag_frames: float = 0
    lag_bridge: float = 0
    # counted while an outage is shown
    events_waiting: int = 0
    outage: Outage | None = None
    alive: Mapping[str, bool] = field(default_factory=dict)
    arrivals: list[Arrival] = field(default_factory=list)
    recent: deque[Arrival] = field(default_factory=lambda: deque(maxlen=_SHOWN_EVENTS))

    @property
    def saved_percent(self) -> float:
        """The share of the camera's own bytes that did not have to travel."""
        return 100 * (1 - self.bytes_up / self.bytes_in) if self.bytes_in else 0.0


class DemoScreen:
    """Shows figures as they change.

    Args:
        console: where.
        live: the page, or None where there is no terminal.
    """

    def __init__(self, console: Console, live: Live | None) -> None:
        self._console = console
        self._live = live
        self._said = ""

    def show(self, figures: DemoFigures) -> None:
        """Now."""
        if self._live is not None:
            self._live.update(render(figures, self._console.width), refresh=True)
        elif (words := line(figures)) != self._said:
            self._said = words
            self._console.print(f"{figures.running_s:4.0f} s  {words}", highlight=False, soft_wrap=True)


@contextmanager
def demo_screen(console: Console, *, stays: bool) -> Iterator[DemoScreen]:
    """A screen on `console`; `stays` leaves the last page on it."""
    if not console.is_terminal:
        yield DemoScreen(console, None)
        return
    with Live(console=console, auto_refresh=False, transient=not stays) as live:
        yield DemoScreen(console, live)


def line(figures: DemoFigures) -> str:
    """One moment in a line, without what changes by itself."""
    arrived = f"{len(figures.arrivals)} at the centre"
    outage = figures.outage
    if outage is None:
        return f"events: {arrived}"
    # counted down it would be another line each second
    link = f"uplink CUT for {outage.lasts_s:.0f} s" if outage.phase is OutagePhase.CUT else outage.words(0)
    return f"{link}; events: {figures.events_waiting} waiting at the site, {arrived}"


def render(figures: DemoFigures, width: int) -> RenderableType:
    """The page for one moment, for a terminal of so many columns."""
    is_wide = width >= _WIDE
    foot = Text(f"Ctrl-C stops everything · logs while it runs: {figures.logs}", style="dim")
    outage = [] if figures.outage is None else [_outage(figures, figures.outage)]
    return Group(_services(figures), *outage, _traffic(figures, is_wide), _events(figures, is_wide), foot)


def _services(figures: DemoFigures) -> RenderableType:
    states = [
        Text(f" {name} ", style="black on green" if alive else "white on red") for name, alive in figures.alive.items()
    ]
    line = Text("  ").join(states) if states else Text("starting …", style="yellow")
    return Panel(line, title=f"Watchpost · {figures.source} · {figures.running_s:.0f} s", title_align="left")


def _outage(figures: DemoFigures, outage: Outage) -> RenderableType:
    waiting = figures.events_waiting
    style = "bold white on red" if outage.phase is OutagePhase.CUT else "bold yellow" if waiting else "bold green"
    line = Text(f" {outage.words(figures.running_s)} ", style=style)
    return line.append(f"  events: {waiting} waiting at the site, {len(figures.arrivals)} at the centre", style="bold")


def _traffic(figures: DemoFigures, is_wide: bool) -> RenderableType:  # noqa: FBT001  (private, named at its only call)
    seconds = max(figures.running_s, 1.0)
    shown = {
        "frames captured": f"{figures.frames_captured:.0f}",
        "analysed": f"{figures.frames_analyzed:.0f}",
        "skipped": f"{figures.frames_skipped:.0f}",
        "waiting": f"{figures.lag_frames:.0f}",
        "camera": f"{figures.bytes_in * 8 / seconds / 1000:.0f} kbps",
        "uplink": f"{figures.bytes_up * 8 / seconds / 1000:.1f} kbps",
        "saved": f"{figures.saved_percent:.1f} %",
        "at the bridge": f"{figures.lag_bridge:.0f} waiting",
    }
    if not is_wide:
        return Text(" · ".join(f"{title} {value}" for title, value in shown.items()))
    table = Table(expand=True, box=None)
    for title in shown:
        table.add_column(title, justify="right")
    table.add_row(*shown.values())
    return table


def _events(figures: DemoFigures, is_wide: bool) -> RenderableType:  # noqa: FBT001  (private, named at its only call)
    titles = ("time", "camera", "event", "phase", "people", "confidence", "after capture")
    shown = [title for title in titles if is_wide or title in _NARROW_COLUMNS]
    table = Table(title="events at the centre", title_justify="left", expand=True)
    for title in shown:
        table.add_column(title)
    for arrival in reversed(figures.recent):
        cells = dict(zip(titles, _cells(arrival), strict=True))
        table.add_row(*(cells[title] for title in shown), style=_style(arrival.event))
    return table


def _cells(arrival: Arrival) -> tuple[str, ...]:
    event = arrival.event
    return (
        f"{event.at.astimezone():%H:%M:%S}",
        event.camera,
        event.type,
        event.phase,
        "" if event.person_count is None else str(event.person_count),
        f"{event.confidence:.2f}",
        f"{arrival.latency_ms:.0f} ms",
    )


def _style(event: EventChanged) -> str:
    if event.type == EventType.FALL_DETECTED and event.phase is EventPhase.CONFIRMED:
        return "bold white on red"
    if event.type in {EventType.CAMERA_OFFLINE, EventType.ANALYSIS_DEGRADED}:
        return "yellow"
    return "" if event.type == EventType.FALL_DETECTED else "dim"
