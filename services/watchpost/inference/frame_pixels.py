"""Redeems a frame's claim checks: the one on its picture, and those on its key regions."""

from watchpost.contracts.records import FrameCaptured
from watchpost.frames import FrameStore
from watchpost.inference.analyzer import LoadedFrame, LoadedRegion

__all__ = ["load_pixels"]


def load_pixels(store: FrameStore, frame: FrameCaptured) -> LoadedFrame:
    """The frame with its pixels. Raises what `FrameStore.load_bgr` raises, also where a region alone is missing."""
    regions = tuple(LoadedRegion(region.name, region.box, store.load_bgr(region.image)) for region in frame.regions)
    return LoadedFrame(frame, store.load_bgr(frame.image), regions)
