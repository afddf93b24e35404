"""Refuses a camera that the site has no room for: by number, or because it does not keep up with those it has."""

from watchpost.api.overload import overload_detail
from watchpost.api.problems import ProblemKind, problem
from watchpost.api.site_view import SiteView

__all__ = ["check_keeps_up"]


def check_keeps_up(view: SiteView, field: str | None = None) -> None:
    """Let a camera be added only where those that there are, are looked at.

    Raises:
        CallError: frames of a camera are shed because the machine is too slow for what it has; `field` asked for more.
    """
    event = view.overloaded()
    if event is None:
        return
    raise problem(
        ProblemKind.OVERLOADED,
        f"the site does not keep up with the cameras it has; of {event.camera}, {overload_detail(event)}",
        field=field,
        remedy="call again when it does (its event analysis_degraded ends), or have the operator lower max_frames, "
        "remove a camera or add a worker",
        headers={"Retry-After": "30"},
    )
