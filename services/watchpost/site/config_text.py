"""Shows what a configuration comes to, to a person and to a machine."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from watchpost.site.config_report import CameraReport, ConfigReport, Origin, RegionReport, Setting, ZoneReport

__all__ = ["as_plain", "as_text"]

_ORIGINS = {
    Origin.FILE: "",
    Origin.ENVIRONMENT: "from the environment",
    Origin.SITE: "the site's",
    Origin.DEFAULT: "default",
}


def as_text(report: ConfigReport, path: Path) -> Iterator[str]:
    """Lines for a person."""
    yield f"{path} is sound. In force:"
    yield ""
    yield from _table(report.settings, "")
    yield ""
    model = report.model
    remarks = f" ({'; '.join(model.remarks)})" if model.remarks else ""
    yield f"model: {model.name} in {model.precision} on {model.device}{remarks}"
    yield f"config_version: {', '.join(f'{name} {version}' for name, version in report.versions.items())}"
    for camera in report.cameras:
        yield ""
        yield from _camera(camera)
    yield ""
    yield "warnings:" if report.warnings else "no warnings"
    yield from (f"  {warning}" for warning in report.warnings)


def as_plain(report: ConfigReport) -> dict[str, Any]:
    """The same as JSON has it."""
    return {
        "settings": _plain(report.settings),
        "model": asdict(report.model),
        "config_versions": dict(report.versions),
        "cameras": {camera.name: _plain_camera(camera) for camera in report.cameras},
        "warnings": list(report.warnings),
    }


def _table(settings: Iterable[Setting], indent: str) -> Iterator[str]:
    rows = [(setting.path, _shown(setting.value), _ORIGINS[setting.origin]) for setting in settings]
    widest = max((len(path) for path, _, _ in rows), default=0)
    for path, value, origin in rows:
        yield f"{indent}{path:{widest}}  {value:28}  {origin}".rstrip()


def _camera(camera: CameraReport) -> Iterator[str]:
    size, kept, analysed = camera.size, camera.kept, camera.analysed
    yield f"camera {camera.name} (config_version {camera.version})"
    yield from _table(camera.settings, "  ")
    known = "" if camera.size_is_known else " (assumed; --size WxH tells it)"
    yield f"  of its picture of {size.width}x{size.height}{known}"
    yield f"    x {kept.x} to {kept.x + kept.width}, y {kept.y} to {kept.y + kept.height} from the top left are kept,"
    yield f"    {kept.width}x{kept.height}, and analysed at {analysed.width}x{analysed.height}"
    yield from (f"    {_zone(zone)}" for zone in camera.zones)
    yield from (f"    {_region(region)}" for region in camera.regions)
    yield from (f"    mask {mask.name}: nobody sees what lies within {_corners(mask.corners)}" for mask in camera.masks)
    yield f"  recorded: {'yes' if camera.recorded else 'no'}"


def _zone(zone: ZoneReport) -> str:
    within = _corners(zone.corners)
    return f"zone {zone.name}: {zone.kind}, people {zone.people}, after {zone.after_s:g} s, within {within}"


def _region(region: RegionReport) -> str:
    part, analysed = region.part, region.analysed
    where = f"x {part.x} to {part.x + part.width}, y {part.y} to {part.y + part.height}"
    return f"region {region.name}: {where}, analysed at {analysed.width}x{analysed.height} too"


def _corners(corners: Iterable[tuple[int, int]]) -> str:
    return " ".join(f"({x}, {y})" for x, y in corners)


def _shown(value: Any) -> str:
    match value:
        case None:
            return "none"
        case str():
            return value
        case float():
            return f"{value:g}" if abs(value) < 1e6 else str(value)  # noqa: PLR2004  (no exponent)
        case _:
            return json.dumps(value)


def _plain(settings: Iterable[Setting]) -> dict[str, dict[str, Any]]:
    return {setting.path: {"value": setting.value, "origin": setting.origin.value} for setting in settings}


def _plain_camera(camera: CameraReport) -> dict[str, Any]:
    plain = asdict(camera)
    del plain["name"]
    return {**plain, "settings": _plain(camera.settings)}
