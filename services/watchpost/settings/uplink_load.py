"""Says how much a camera usually sends up, so that what cannot fit through a link is known before it is tried."""

from collections.abc import Iterable, Iterator
from typing import assert_never

from watchpost.contracts.camera_parts import UplinkMode
from watchpost.contracts.records import CameraSpec
from watchpost.settings.site import SiteSettings

__all__ = ["kbps_beyond_cap", "modes_below", "usual_kbps", "warnings_of_uplink"]

# `make bench-uplink`, a street with 3 to 8 people at 1080p; docs/operations.md states the same figures
_EVENTS_KBPS = 10
_SMALL_KBIT = 85
_MARKED_KBPS = 270
_CHANGED_SHARE = 0.25  # of the seconds; all of them where a tenth of the picture changes every second
_FULL_KBPS, _FULL_HEIGHT_PX = 740, 720


def usual_kbps(spec: CameraSpec) -> float:
    """What a camera sends to the centre in its mode, in kilobits a second, where it sees a lively street.

    Its events, its small thumbnails by their interval, and the pictures of its mode; those of `full` by their area.
    """
    asked = spec.assignment
    interval_s = asked.thumbnail_interval_s
    besides = _EVENTS_KBPS + (_SMALL_KBIT / interval_s if interval_s > 0 else 0)
    match asked.uplink_mode:
        case UplinkMode.METADATA:
            return besides
        case UplinkMode.DIFFERENTIAL:
            return besides + _CHANGED_SHARE * _MARKED_KBPS
        case UplinkMode.SAMPLED:
            return besides + _MARKED_KBPS
        case UplinkMode.FULL:
            return besides + min(1.0, spec.max_frames) * _FULL_KBPS * (spec.height_px / _FULL_HEIGHT_PX) ** 2
        case other:
            assert_never(other)


def kbps_beyond_cap(settings: SiteSettings, specs: Iterable[CameraSpec]) -> float | None:
    """What these cameras usually send together, where it is more than `bandwidth.mean_kbps`; None: it fits."""
    max_kbps = settings.bandwidth.mean_kbps
    if max_kbps is None:
        return None
    total_kbps = sum(usual_kbps(spec) for spec in specs)
    return total_kbps if total_kbps > max_kbps else None


def modes_below(mode: UplinkMode) -> str:
    """The modes that send less, in words."""
    match mode:
        case UplinkMode.METADATA:
            return ""
        case UplinkMode.DIFFERENTIAL:
            return "metadata"
        case UplinkMode.SAMPLED:
            return "differential or metadata"
        case UplinkMode.FULL:
            return "sampled, differential or metadata"
        case other:
            assert_never(other)


def warnings_of_uplink(settings: SiteSettings) -> Iterator[str]:
    """A line where the configured cameras together usually send more than the cap lets through."""
    specs = [settings.camera_spec(name) for name in settings.cameras]
    total_kbps = kbps_beyond_cap(settings, specs)
    if total_kbps is None or settings.central is None:
        return
    most = max(specs, key=usual_kbps)
    mode = most.assignment.uplink_mode
    less = (
        "raise it, or thumbnail_interval_s"
        if mode is UplinkMode.METADATA
        else f"raise it, or write uplink: {modes_below(mode)}"
    )
    yield (
        f"bandwidth.max_kbps: {settings.bandwidth.mean_kbps:g} are fewer than the {total_kbps:.0f} that these cameras "
        f"usually send, of which cameras.{most.camera} sends {usual_kbps(most):.0f} (uplink: {mode}): pictures fall "
        f"behind until they are lost; {less}"
    )
