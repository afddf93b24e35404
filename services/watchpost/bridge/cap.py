"""Says what the link may carry at this time of day."""

from collections.abc import Callable

from watchpost.clock import Clock
from watchpost.settings import SiteSettings

__all__ = ["Cap", "cap_of"]

Cap = Callable[[], float | None]
"""Kilobits a second by now; None is no cap."""


def cap_of(settings: SiteSettings, clock: Clock) -> Cap:
    """The site's cap, by its schedule and in its timezone."""
    bandwidth, zone = settings.bandwidth, settings.site.zone
    return lambda: bandwidth.kbps_at(clock.now().astimezone(zone).time())
