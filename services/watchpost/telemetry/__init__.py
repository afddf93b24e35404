"""How a service shows what it does: logs, metrics, health."""

from watchpost.telemetry import metrics
from watchpost.telemetry.health import Health, serve_health
from watchpost.telemetry.logs import configure_logs
from watchpost.telemetry.notes import NOTES_VARIABLE, write_notes
from watchpost.telemetry.service import Running, ServiceName, begun, running

__all__ = [
    "NOTES_VARIABLE",
    "Health",
    "Running",
    "ServiceName",
    "begun",
    "configure_logs",
    "metrics",
    "running",
    "serve_health",
    "write_notes",
]
