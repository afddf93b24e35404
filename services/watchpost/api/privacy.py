"""Decides who may uncover what a camera's masks hide."""

from watchpost.api.problems import ProblemKind, problem
from watchpost.api.tokens import Caller, Role
from watchpost.contracts.camera_parts import Mask
from watchpost.contracts.recording_rules import for_admins_only
from watchpost.contracts.records import CameraSpec

__all__ = ["check_coded_video", "check_privacy"]

_ADMIN = f"call with the token of one who is {Role.ADMIN}"


def check_privacy(caller: Caller, before: CameraSpec | None, after: CameraSpec | None) -> None:
    """Refuse a change of a camera that shows more than before. None: there was, or will be, no such camera.

    A masked camera that goes takes its masks away from what was recorded under its name.

    Raises:
        CallError: forbidden, naming the field.
    """
    if caller.role.includes(Role.ADMIN):
        return
    was_unmasked = before is not None and before.recording.unmasked
    if after is not None and after.recording.unmasked and not was_unmasked:
        raise problem(
            ProblemKind.FORBIDDEN,
            f"{caller.name} is {caller.role}, and to record what masks hide needs {Role.ADMIN}",
            field="recording.unmasked",
            remedy=f"leave it out, or {_ADMIN}",
        )
    kept = {_as_shown(mask) for mask in (() if after is None else after.masks)}
    uncovered = [mask.name for mask in (() if before is None else before.masks) if _as_shown(mask) not in kept]
    if uncovered:
        raise problem(
            ProblemKind.FORBIDDEN,
            f"{caller.name} is {caller.role}, and to take away or change the mask {uncovered[0]} needs {Role.ADMIN}",
            field="masks",
            remedy=f"add masks beside those that there are, or {_ADMIN}",
        )


def check_coded_video(caller: Caller, spec: CameraSpec | None) -> None:
    """Refuse recordings, clips and coded live video of a masked camera to all but admins.

    None stands for a camera that is gone, of which nobody knows any more what it hid.

    Raises:
        CallError: forbidden.
    """
    if caller.role.includes(Role.ADMIN) or not (spec is None or for_admins_only(spec)):
        return
    what = "a camera that is gone" if spec is None else f"{spec.camera}, whose masks no recorded packet knows,"
    raise problem(
        ProblemKind.FORBIDDEN,
        f"{caller.name} is {caller.role}, and recorded video of {what} is for {Role.ADMIN} alone",
        remedy=f"look at the events' thumbnails, or {_ADMIN}",
    )


def _as_shown(mask: Mask) -> tuple[tuple[float, float], ...]:
    """Its corners with what rounding leaves of them: who sends back what was shown changes nothing."""
    return tuple((round(corner.x, 9), round(corner.y, 9)) for corner in mask.polygon)
