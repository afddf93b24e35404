"""Says whose packets may be kept and who may see them: they are never coded again, so no mask covers them."""

from watchpost.contracts.records import CameraSpec, SpecOrigin

__all__ = ["for_admins_only", "may_hear", "may_record"]


def may_record(spec: CameraSpec) -> bool:
    """Whether the camera's packets may be written to a disk.

    A camera with masks needs `recording.unmasked` besides; one that is there for a call is never recorded.
    """
    asked = spec.recording.enabled and spec.origin is not SpecOrigin.ANALYZE
    return asked and (spec.recording.unmasked or not spec.masks)


def may_hear(spec: CameraSpec) -> bool:
    """Whether the camera's sound may be written beside its packets."""
    return spec.recording.audio and may_record(spec)


def for_admins_only(spec: CameraSpec) -> bool:
    """Whether recordings, clips and coded live video of the camera are for admins alone.

    True of every camera with masks, also where it is not recorded now: what was recorded before the masks came, or
    under `recording.unmasked`, shows what they hide.
    """
    return bool(spec.masks)
