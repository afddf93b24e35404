"""The frame store: pixels never enter Kafka, a record carries a claim check on them."""

from watchpost.frames.store import FrameStore

__all__ = ["FrameStore"]
