"""Tells a caller what becomes of the `uplink` that was asked for, where that is not simply so."""

from watchpost.api.parts import ApiParts
from watchpost.contracts.camera_parts import UplinkMode
from watchpost.contracts.records import CameraId, SpecOrigin
from watchpost.settings.uplink_load import kbps_beyond_cap, modes_below, usual_kbps

__all__ = ["uplink_warnings"]


def uplink_warnings(asked: UplinkMode | None, camera: CameraId, parts: ApiParts) -> list[str]:
    """What to tell a call that asked for this mode and looks at `camera` now; nothing where none was asked for.

    As `watchpost config check` does, by what cameras usually send: together more than `bandwidth.max_kbps`, say.
    """
    cameras = parts.view.cameras()
    spec = cameras.get(camera)
    if asked is None or spec is None:
        return []
    mode = spec.assignment.uplink_mode
    if spec.origin is not SpecOrigin.ANALYZE:
        said = (
            f"uplink: the camera {camera} shows this stream, and what it sends is its own ({mode}) and not the call's"
        )
        return [] if mode is asked else [f"{said}; the operator can change the uplink of {camera}"]
    total_kbps, max_kbps = kbps_beyond_cap(parts.settings, cameras.values()), parts.settings.bandwidth.mean_kbps
    if total_kbps is None or mode is UplinkMode.METADATA:
        return []
    load = f"bandwidth.max_kbps: {max_kbps:g} are fewer than the {total_kbps:.0f} that the site's cameras usually send"
    own = f"of which this one sends {usual_kbps(spec):.0f} (uplink: {mode})"
    return [
        f"{load}, {own}: pictures come late, or are lost; ask for {modes_below(mode)}, or have the operator raise it"
    ]
