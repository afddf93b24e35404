"""Carries events and thumbnails from the site's Kafka to the centre's, exactly once."""

from watchpost.bridge.pipeline import adopt, run
from watchpost.contracts import SourceHeader

__all__ = ["SourceHeader", "adopt", "run"]
