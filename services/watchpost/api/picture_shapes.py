"""What callers see of a camera's key regions, masks and recording: the words and the origin that they set them by."""

from pydantic import BaseModel

from watchpost.contracts.camera_parts import KeyRegion
from watchpost.contracts.records import CameraSpec
from watchpost.settings.areas import RoiOrigin
from watchpost.vision.geometry import FractionBox, FractionPoint

__all__ = [
    "RecordingShown",
    "RegionShown",
    "corners_shown",
    "edges_shown",
    "masks_shown",
    "recording_shown",
    "regions_shown",
]

Corners = list[tuple[float, float]]
Edges = tuple[float, float, float, float]


class RegionShown(BaseModel):
    """A key region, as `regions` takes it."""

    box: Edges
    resolution: int


class RecordingShown(BaseModel):
    """Whether the camera's packets are kept, as `recording` takes it."""

    enabled: bool
    audio: bool
    unmasked: bool


def regions_shown(spec: CameraSpec, origin: RoiOrigin) -> dict[str, RegionShown]:
    """The key regions by name."""
    return {region.name: _region(region, origin) for region in spec.regions}


def masks_shown(spec: CameraSpec, origin: RoiOrigin) -> dict[str, Corners]:
    """The masks' corners by name."""
    return {mask.name: corners_shown(mask.polygon, origin) for mask in spec.masks}


def recording_shown(spec: CameraSpec) -> RecordingShown:
    """What was asked for; whether masks forbid it is `may_record`'s to say."""
    asked = spec.recording
    return RecordingShown(enabled=asked.enabled, audio=asked.audio, unmasked=asked.unmasked)


def corners_shown(polygon: tuple[FractionPoint, ...], origin: RoiOrigin) -> Corners:
    """The corners with this origin."""
    return [(point.x, point.y if origin == "top-left" else _plain(1 - point.y)) for point in polygon]


def edges_shown(box: FractionBox, origin: RoiOrigin) -> Edges:
    """[x0, y0, x1, y1] with this origin."""
    top, bottom = (box.y0, box.y1) if origin == "top-left" else (1 - box.y1, 1 - box.y0)
    return box.x0, _plain(top), box.x1, _plain(bottom)


def _region(region: KeyRegion, origin: RoiOrigin) -> RegionShown:
    return RegionShown(box=edges_shown(region.box, origin), resolution=region.height_px)


def _plain(fraction: float) -> float:
    return round(fraction, 9)  # 1 - 0.8 is 0.19999999999999996
