"""What the demo says at its end: as JSON for a program, in a line for a person."""

from watchpost.site.delivery import Delivery
from watchpost.site.demo_view import DemoFigures

__all__ = ["report", "summary"]


def report(figures: DemoFigures, delivery: Delivery | None) -> dict[str, object]:
    """The figures as JSON can hold them. Without a delivery the demo was interrupted: what was lost is not known."""
    latencies_ms = sorted(arrival.latency_ms for arrival in figures.arrivals)

    def percentile(share: float) -> float | None:
        return round(latencies_ms[min(len(latencies_ms) - 1, int(share * len(latencies_ms)))]) if latencies_ms else None

    compared = (
        {"interrupted": True}
        if delivery is None
        else {
            "events_site": delivery.site,
            "events_central": delivery.central,
            "events_lost": delivery.lost,
            "events_duplicated": delivery.duplicated,
        }
    )
    return {
        "frames_captured": int(figures.frames_captured),
        "frames_analyzed": int(figures.frames_analyzed),
        "frames_skipped": int(figures.frames_skipped),
        **compared,
        **_outage(figures),
        "thumbnails_central": figures.thumbnails_central,
        "bytes_in": int(figures.bytes_in),
        "bytes_up": int(figures.bytes_up),
        "bandwidth_saved_percent": round(figures.saved_percent, 2),
        "capture_to_central_ms": {"p50": percentile(0.5), "p99": percentile(0.99)},
    }


def summary(figures: DemoFigures, delivery: Delivery) -> str:
    """What became of the events."""
    events = (
        f"Events: {delivery.site} at the site, {delivery.central} at the centre, "
        f"lost {delivery.lost}, repeated {delivery.duplicated}."
    )
    outage = figures.outage
    if outage is None:
        return events
    back = "not caught up" if outage.caught_up_after_s is None else f"caught up in {outage.caught_up_after_s:.1f} s"
    return f"{events} Uplink cut for {outage.lasts_s:.0f} s: at most {outage.most_waiting} waited, {back}."


def _outage(figures: DemoFigures) -> dict[str, object]:
    outage = figures.outage
    if outage is None:
        return {}
    after_s = outage.caught_up_after_s
    return {
        "outage": {
            "phase": outage.phase.value,
            "lasted_s": outage.lasts_s,
            "most_events_waiting": outage.most_waiting,
            "caught_up_after_s": None if after_s is None else round(after_s, 1),
        }
    }
