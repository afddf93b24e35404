"""What the demo shows: the terminal page of a site and its centre."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from watchpost.contracts.records import EventChanged, EventPhase, EventType

__all__ = ["Arrival", "DemoFigures", "render"]

_SHOWN_EVENTS = 12


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
    alive: Mapping[str, bool] = field(default_factory=dict)
    arrivals: list[Arrival] = field(default_factory=list)
    recent: deque[Arrival] = field(default_factory=lambda: deque(maxlen=_SHOWN_EVENTS))

    @property
    def saved_percent(self) -> float:
        """The share of the camera's own bytes that did not have to travel."""
        return 100 * (1 - self.bytes_up / self.bytes_in) if self.bytes_in else 0.0


def render(figures: DemoFigures) -> RenderableType:
    """The page for one moment."""
    foot = Text(f"Ctrl-C stops everything · logs while it runs: {figures.logs}", style="dim")
    return Group(_services(figures), _traffic(figures), _events(figures), foot)


def _services(figures: DemoFigures) -> RenderableType:
    states = [
        Text(f" {name} ", style="black on green" if alive else "white on red") for name, alive in figures.alive.items()
    ]
    line = Text("  ").join(states) if states else Text("starting …", style="yellow")
    return Panel(line, title=f"Watchpost · {figures.source} · {figures.running_s:.0f} s", title_align="left")


def _traffic(figures: DemoFigures) -> RenderableType:
    table = Table(expand=True, box=None)
    for title in ("frames captured", "analysed", "skipped", "waiting", "camera", "uplink", "saved", "at the bridge"):
        table.add_column(title, justify="right")
    seconds = max(figures.running_s, 1.0)
    table.add_row(
        f"{figures.frames_captured:.0f}",
        f"{figures.frames_analyzed:.0f}",
        f"{figures.frames_skipped:.0f}",
        f"{figures.lag_frames:.0f}",
        f"{figures.bytes_in * 8 / seconds / 1000:.0f} kbps",
        f"{figures.bytes_up * 8 / seconds / 1000:.1f} kbps",
        f"{figures.saved_percent:.1f} %",
        f"{figures.lag_bridge:.0f} waiting",
    )
    return table


def _events(figures: DemoFigures) -> RenderableType:
    table = Table(title="events at the centre", title_justify="left", expand=True)
    for title in ("time", "camera", "event", "phase", "people", "confidence", "after capture"):
        table.add_column(title)
    for arrival in reversed(figures.recent):
        event = arrival.event
        table.add_row(
            f"{event.at.astimezone():%H:%M:%S}",
            event.camera,
            event.type,
            event.phase,
            "" if event.person_count is None else str(event.person_count),
            f"{event.confidence:.2f}",
            f"{arrival.latency_ms:.0f} ms",
            style=_style(event),
        )
    return table


def _style(event: EventChanged) -> str:
    if event.type == EventType.FALL_DETECTED and event.phase is EventPhase.CONFIRMED:
        return "bold white on red"
    if event.type in {EventType.CAMERA_OFFLINE, EventType.ANALYSIS_DEGRADED}:
        return "yellow"
    return "" if event.type == EventType.FALL_DETECTED else "dim"
