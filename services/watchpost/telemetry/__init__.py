"""How a service shows what it does: logs, metrics, health, and which events of its own are open."""

from watchpost.telemetry import metrics
from watchpost.telemetry.ending import end_with_threads
from watchpost.telemetry.health import Health, serve_health
from watchpost.telemetry.logs import configure_logs
from watchpost.telemetry.notes import NOTES_VARIABLE, write_notes
from watchpost.telemetry.open_events import OpenEvents
from watchpost.telemetry.service import Running, ServiceName, begun, running

__all__ = [
    "NOTES_VARIABLE",
    "Health",
    "OpenEvents",
    "Running",
    "ServiceName",
    "begun",
    "configure_logs",
    "end_with_threads",
    "metrics",
    "running",
    "serve_health",
    "write_notes",
]
