"""Says what a configuration comes to: every value in force, and what it means in pixels."""

import os
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np

from watchpost.contracts.recording_rules import may_record
from watchpost.contracts.records import CameraSpec, SourceSize, Zone
from watchpost.errors import ConfigError
from watchpost.ingest.pictures import View, VisiblePlanes, cut
from watchpost.models import ChosenModel, check_questions, model_in_force
from watchpost.settings import Scope, SiteSettings, leaves, read_file, settings_from, version_of, without_secrets
from watchpost.simulation import parse_uri
from watchpost.site.config_warnings import warnings_of
from watchpost.site.processes import services_of
from watchpost.site.workers import check_workers
from watchpost.vision.geometry import FULL_FRAME, FractionBox, FractionPoint

__all__ = ["CameraReport", "ConfigReport", "Origin", "PixelArea", "Setting", "parse_size", "report_config"]

ASSUMED_SIZE = SourceSize(1920, 1080)
_LARGEST_PX = 16_384
_SHORT_FOR = {"site": "name", "cameras": "source"}


class Origin(StrEnum):
    """Where a value in force comes from."""

    FILE = "file"
    ENVIRONMENT = "environment"
    SITE = "site"  # a camera takes it from the site's parameters
    DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Setting:
    """One value in force. No password is in `value`."""

    path: str
    value: Any
    origin: Origin


@dataclass(frozen=True, slots=True)
class PixelArea:
    """A rectangle of a picture, origin top-left."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class ZoneReport:
    """A zone with its corners in pixels of the source, origin top-left."""

    name: str
    kind: str
    corners: tuple[tuple[int, int], ...]
    people: int
    after_s: float


@dataclass(frozen=True, slots=True)
class RegionReport:
    """A key region in pixels of the source, and how large it is analysed."""

    name: str
    part: PixelArea
    analysed: SourceSize


@dataclass(frozen=True, slots=True)
class MaskReport:
    """A mask with its corners in pixels of the source, origin top-left."""

    name: str
    corners: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class CameraReport:
    """One camera: its settings in force, the part of a picture of `size` that is kept, and how large it is analysed.

    `recorded`: whether its packets are kept.
    """

    name: str
    settings: tuple[Setting, ...]
    size: SourceSize
    size_is_known: bool
    kept: PixelArea
    analysed: SourceSize
    zones: tuple[ZoneReport, ...]
    regions: tuple[RegionReport, ...]
    masks: tuple[MaskReport, ...]
    recorded: bool
    version: str


@dataclass(frozen=True, slots=True)
class ConfigReport:
    """A whole file. `versions`: the `config_version` of what each service writes."""

    settings: tuple[Setting, ...]
    model: ChosenModel
    cameras: tuple[CameraReport, ...]
    versions: Mapping[str, str]
    warnings: tuple[str, ...]


def parse_size(text: str) -> SourceSize:
    """The size that `WxH` names. Raises ConfigError."""
    found = re.fullmatch(r"(\d{1,5})x(\d{1,5})", text)
    sides = (0, 0) if found is None else (int(found[1]), int(found[2]))
    if not all(2 <= side <= _LARGEST_PX for side in sides):  # noqa: PLR2004  (chroma has half of the pixels)
        raise ConfigError("--size", f"{text!r} is no size", "write one such as 1920x1080")
    return SourceSize(*sides)


def report_config(path: Path, size: SourceSize | None = None) -> ConfigReport:
    """The report of a file, for cameras of `size` where it cannot be told from their address.

    Raises:
        ConfigError: the file is not sound.
    """
    raw = read_file(path)
    settings = settings_from(raw)
    model = model_in_force(settings)
    check_questions(settings)
    check_workers(settings)
    values = {path: _origin(path, raw) for path in leaves(settings)}
    return ConfigReport(
        settings=tuple(
            Setting(path, _masked(value), values[path])
            for path, value in leaves(settings).items()
            if not path.startswith("cameras.")
        ),
        model=model,
        cameras=tuple(_camera(settings, name, values, size) for name in settings.cameras),
        versions={name: version_of(settings, Scope(name)) for name in services_of(settings)},
        warnings=tuple(warnings_of(settings)),
    )


def _origin(path: str, raw: Mapping[str, Any]) -> Origin:
    parts = path.split(".")
    names = {name.upper() for name in os.environ}
    if any("WATCHPOST_" + "__".join(parts[:length]).upper() in names for length in range(1, len(parts) + 1)):
        return Origin.ENVIRONMENT
    value: Any = raw
    for part in parts:
        if not isinstance(value, dict):
            return Origin.FILE if part == _SHORT_FOR.get(parts[0]) else Origin.DEFAULT
        if part not in value:
            return Origin.DEFAULT
        value = value[part]
    return Origin.FILE


def _camera(settings: SiteSettings, name: str, origins: Mapping[str, Origin], given: SourceSize | None) -> CameraReport:
    spec = settings.camera_spec(name)
    known = _known_size(name, spec.source)
    size = known or given or ASSUMED_SIZE
    kept, analysed = _cut(size, spec.roi, spec.height_px)
    return CameraReport(
        name,
        settings=tuple(_camera_settings(spec, settings, name, origins)),
        size=size,
        size_is_known=known is not None or given is not None,
        kept=kept,
        analysed=analysed,
        zones=tuple(_zone(zone, size) for zone in spec.assignment.zones),
        regions=tuple(RegionReport(one.name, *_cut(size, one.box, one.height_px)) for one in spec.regions),
        masks=tuple(MaskReport(mask.name, _corners(mask.polygon, size)) for mask in spec.masks),
        recorded=may_record(spec),
        version=spec.config_version,
    )


def _cut(size: SourceSize, part: FractionBox | None, height_px: int) -> tuple[PixelArea, SourceSize]:
    """Which pixels of a picture are kept, and how large they are analysed."""
    planes = [np.zeros(shape, np.uint8) for shape in _plane_shapes(size)]
    nothing = VisiblePlanes((planes[0], planes[1], planes[2]))
    picture = cut(nothing, View(size.width, size.height, 0, size), part, height_px)
    kept = (picture.roi or FULL_FRAME).to_pixels(size.width, size.height)
    x, y = round(kept.x0), round(kept.y0)
    rows, columns = picture.i420.shape
    return PixelArea(x, y, round(kept.x1) - x, round(kept.y1) - y), SourceSize(columns, rows * 2 // 3)


def _known_size(name: str, source: str) -> SourceSize | None:
    if not source.startswith("sim:"):
        return None
    try:
        scene = parse_uri(source)
    except ConfigError as error:
        raise ConfigError(f"cameras.{name}.source", f"{error.key}: {error.problem}", error.remedy) from error
    return SourceSize(scene.width_px, scene.height_px)


def _plane_shapes(size: SourceSize) -> tuple[tuple[int, int], ...]:
    half = (size.height + 1) // 2, (size.width + 1) // 2
    return (size.height, size.width), half, half


def _camera_settings(
    spec: CameraSpec, settings: SiteSettings, name: str, origins: Mapping[str, Origin]
) -> list[Setting]:
    """What the camera is read by; what it does not say itself comes from the site's parameters."""
    camera, site = settings.cameras[name], settings
    questions = {question.name: asdict(question) for question in spec.assignment.questions}
    inherited = {
        "max_frames": (spec.max_frames, "model_params.max_frames"),
        "skip_frames": (spec.skip_frames, "model_params.skip_frames"),
        "resolution": (spec.height_px, "stream_params.resolution"),
        "roi": (camera.roi or site.stream_params.roi, "stream_params.roi"),
        "thumbnail_interval_s": (spec.assignment.thumbnail_interval_s, "events.thumbnail_interval_s"),
        "uplink": (spec.assignment.uplink.value, "uplink"),
        "recording.enabled": (spec.recording.enabled, "recordings.enabled"),
    }
    own = {
        "source": spec.source,
        "secret": spec.secret_ref,
        "tasks": [questions.get(task, task) for task in spec.assignment.tasks],
        "bandwidth_saving": spec.assignment.bandwidth_saving,
        "substream": spec.substream,
        "decoder": spec.decoder,
        "recording.audio": spec.recording.audio,
        "recording.unmasked": spec.recording.unmasked,
    }
    found = [Setting(key, _masked(value), origins[f"cameras.{name}.{key}"]) for key, value in own.items()]
    # its short form is where the camera's own uplink comes from
    said = {"uplink": "bandwidth_saving"} if camera.uplink is None and camera.bandwidth_saving is not None else {}
    for key, (value, from_site) in inherited.items():
        origin = origins[f"cameras.{name}.{said.get(key, key)}"]
        if origin is Origin.DEFAULT and origins[from_site] is not Origin.DEFAULT:
            origin = Origin.SITE
        found.append(Setting(key, value, origin))
    return found


def _zone(zone: Zone, size: SourceSize) -> ZoneReport:
    return ZoneReport(zone.name, zone.kind.value, _corners(zone.polygon, size), zone.people, zone.after_s)


def _corners(polygon: tuple[FractionPoint, ...], size: SourceSize) -> tuple[tuple[int, int], ...]:
    return tuple((round(corner.x * size.width), round(corner.y * size.height)) for corner in polygon)


def _masked(value: Any) -> Any:
    """The value without what is secret in it, or could be: passwords in addresses, and digests of tokens."""
    if isinstance(value, str):
        return without_secrets(value)
    if isinstance(value, list):
        return [_masked(part) for part in value]
    if isinstance(value, dict):
        return {key: "***" if key == "sha256" else _masked(part) for key, part in value.items()}
    return value
