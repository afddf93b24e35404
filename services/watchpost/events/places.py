"""Where somebody lies of whom a fall was told: one fall is not told twice when the tracker mistakes who lies."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from watchpost.vision.geometry import FractionBox

__all__ = ["FallenPlace", "is_taken", "refreshed"]

_SAME_PLACE = 0.3
_MICROSECONDS = 1_000_000


@dataclass(frozen=True, slots=True)
class FallenPlace:
    """The box of a confirmed fall, and when somebody was last seen lying there."""

    box: FractionBox
    seen_us: int


def is_taken(places: Iterable[FallenPlace], box: FractionBox) -> bool:
    """Whether a fall was told of who lies in this box."""
    return any(_same(place, box) for place in places)


def refreshed(
    places: tuple[FallenPlace, ...],
    confirmed: Iterable[FractionBox],
    lying: tuple[FractionBox, ...],
    at_us: int,
    cool_down_s: float,
) -> tuple[FallenPlace, ...]:
    """The places after a frame: new ones, those where somebody still lies, and those that have not cooled down."""
    still = [replace(place, seen_us=at_us) if any(_same(place, box) for box in lying) else place for place in places]
    fresh = [FallenPlace(box, at_us) for box in confirmed]
    return tuple(place for place in (*still, *fresh) if at_us - place.seen_us <= cool_down_s * _MICROSECONDS)


def _same(place: FallenPlace, box: FractionBox) -> bool:
    return place.box.intersection_over_union(box) >= _SAME_PLACE
