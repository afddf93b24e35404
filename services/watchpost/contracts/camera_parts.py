"""What a camera's records are made of besides what is asked of it: its uplink, key regions, masks and recording."""

from dataclasses import dataclass
from enum import StrEnum

from watchpost.vision.geometry import FractionBox, FractionPoint

__all__ = ["NOT_RECORDED", "SOFTWARE", "KeyRegion", "Mask", "Recording", "UplinkMode", "UplinkReason"]

SOFTWARE = "software"
"""The decoder that every machine has."""


class UplinkMode(StrEnum):
    """Which of a camera's pictures go up, as thumbnails, besides those of events and of the interval."""

    METADATA = "metadata"
    """None."""
    SAMPLED = "sampled"
    """One a second."""
    DIFFERENTIAL = "differential"
    """Those that differ enough from the last one that went up, at most one a second, and one a minute."""
    FULL = "full"
    """Those analysed, at most one a second."""


class UplinkReason(StrEnum):
    """Why a frame is to go up as a picture."""

    SAMPLED = "sampled"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class KeyRegion:
    """A part of the full frame that is looked at by itself too, at `height_px` of its own."""

    name: str
    box: FractionBox
    height_px: int


@dataclass(frozen=True, slots=True)
class Mask:
    """A polygon of the full frame whose pixels nobody may see: filled before any of them leaves ingest."""

    name: str
    polygon: tuple[FractionPoint, ...]


@dataclass(frozen=True, slots=True)
class Recording:
    """Whether a camera's packets are kept. Ask `may_record`: packets show what lies under a mask."""

    enabled: bool = False
    audio: bool = False
    unmasked: bool = False


NOT_RECORDED = Recording()
