"""Makes the events by which a worker tells that a camera's analysis is degraded, and that it is well again."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from watchpost.contracts.health import health_event
from watchpost.contracts.records import CameraId, EventChanged, EventPhase, EventType, Provenance, SiteId
from watchpost.inference.recent_frames import Shares

__all__ = ["Cause", "Standing", "cause_in", "detail_of", "detail_of_wedge", "ended", "opened", "revised"]


class Cause(StrEnum):
    """Why a camera's analysis is degraded: an event's `detail` begins with it."""

    OVERLOAD = "overload"
    FAILURE = "analyzer_failed"
    FALLBACK = "fallback"
    WEDGE = "wedged"


@dataclass(frozen=True, slots=True)
class Standing:
    """How the worker stands at a moment.

    Args:
        at: the moment, for events ...
        now_s: ... and by a monotonic clock.
        degraded: the analyzer's own word for doing less than it should.
        remedy: what to do about frames that are shed.
        provenance: the analyzer's.

    """

    at: datetime
    now_s: float
    degraded: str | None
    remedy: str
    provenance: Provenance


def opened(
    event_id: str, site: SiteId, camera: CameraId, detail: str, standing: Standing, since: datetime
) -> EventChanged:
    """The first revision of an event that began at `since`."""
    kind = EventType.ANALYSIS_DEGRADED
    return health_event(
        event_id, site, camera, kind, opened_at=since, at=standing.at, detail=detail, provenance=standing.provenance
    )


def revised(event: EventChanged, detail: str, standing: Standing) -> EventChanged:
    """The event's next revision: it goes on, for another cause."""
    return replace(event, revision=event.revision + 1, at=standing.at, detail=detail, provenance=standing.provenance)


def ended(event: EventChanged, standing: Standing, silent_s: float | None) -> EventChanged:
    """The event's last revision; `silent_s`: it ends because no frame of the camera has come for so long."""
    why = "over" if silent_s is None else f"no frame of it has come to this worker for {silent_s:.0f} s, over"
    after_s = max(0.0, (standing.at - event.opened_at).total_seconds())
    last = revised(event, f"{cause_in(event)}: {why} after {after_s:.0f} s", standing)
    return replace(last, phase=EventPhase.ENDED)


def cause_in(event: EventChanged) -> str:
    """The cause that the event's `detail` begins with."""
    return (event.detail or "").partition(":")[0]


def detail_of(cause: Cause, shares: Shares | None, standing: Standing) -> str:
    """What an operator is told: the cause, the figures, and what helps."""
    return f"{cause}: {_explained(cause, shares, standing)}"


def detail_of_wedge(after_s: float) -> str:
    """What an operator is told of an analyzer that hung for so long."""
    return (
        f"{Cause.WEDGE}: the analyzer did not come back from a batch within {after_s:g} s, and its worker was "
        "replaced; look at nvidia-smi if it comes again"
    )


def _explained(cause: Cause, shares: Shares | None, standing: Standing) -> str:
    if cause is Cause.FALLBACK or shares is None:
        return standing.degraded or ""
    unseen, of = shares.shed + shares.failed, f"of {shares.frames} frames of the last {shares.span_s:.0f} s"
    if cause is Cause.FAILURE:
        return f"{shares.failed} {of} could not be analysed; the log of the inference service says why"
    return f"{unseen} {of} were not looked at; {standing.remedy}"
