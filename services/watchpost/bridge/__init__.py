"""Carries events and thumbnails from the site's Kafka to the centre's, exactly once."""

from watchpost.bridge.headers import SourceHeader
from watchpost.bridge.pipeline import adopt, run

__all__ = ["SourceHeader", "adopt", "run"]
