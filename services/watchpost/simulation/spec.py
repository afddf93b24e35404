"""What a `sim:` address asks for, because a typing error in it must be told and not rendered.

Example:
    >>> spec = parse_uri("sim:street?seed=3&people=4&falls=2&seconds=60")
    >>> spec.falls, spec.fps
    (2, 10.0)

"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from typing import Final
from urllib.parse import parse_qsl

import numpy as np

from watchpost.errors import ConfigError

__all__ = ["ENDLESS_ROUND_S", "VISIT_S", "Place", "SceneSpec", "parse_uri"]

ENDLESS_ROUND_S: Final = 60.0
VISIT_S: Final = 28.0
SHORTEST_ACTIVITY_S: Final = 10.0
_SCHEME: Final = "sim:"
_ANY: Final = "any"


class Place(StrEnum):
    """Where a scene plays."""

    STREET = "street"
    ROOM = "room"
    SHOP = "shop"


@dataclass(frozen=True, slots=True)
class SceneSpec:
    """A scene, exactly enough to render it again.

    `falls`, `sitting`, `crouching` and `lying_down` count what happens in the whole scene or, where `seconds` is
    None (an endless scene), in each minute.
    """

    place: Place = Place.STREET
    seed: int = 0
    people: int = 3
    falls: int = 0
    sitting: int = 0
    crouching: int = 0
    lying_down: int = 0
    seconds: float | None = None
    fps: float = 10.0
    width_px: int = 960
    height_px: int = 540

    @property
    def round_s(self) -> float:
        """The time over which the counted activities are spread."""
        return ENDLESS_ROUND_S if self.seconds is None else self.seconds

    @property
    def visits_per_round(self) -> int:
        """How many visits one place in the scene has room for in a round."""
        return max(1, int(self.round_s // VISIT_S))

    @property
    def activities(self) -> int:
        return self.falls + self.sitting + self.crouching + self.lying_down


def parse_uri(uri: str) -> SceneSpec:
    """The scene that `sim:[street|room|shop|any][?parameter=value&…]` describes.

    Raises:
        ConfigError: a parameter is unknown, malformed, out of range or given twice, or the activities do not fit.

    """
    if not uri.startswith(_SCHEME):
        raise ConfigError("sim", f"expected an address that begins with sim:, got {uri!r}", "write sim:street")
    place_text, _, query = uri.removeprefix(_SCHEME).partition("?")
    given = _given_parameters(query)
    values = {name: parse(name, given[name]) for name, parse in _PARAMETERS.items() if name in given}
    seed = int(values.get("seed", 0))
    width_px, height_px = _parse_size(given.get("size", "960x540"))
    seconds = values.get("seconds", 0.0)
    counts = {name: int(values[name]) for name in _COUNTS if name in values}
    spec = SceneSpec(
        place=_parse_place(place_text, seed),
        seed=seed,
        seconds=seconds or None,
        fps=values.get("fps", 10.0),
        width_px=width_px,
        height_px=height_px,
        **counts,
    )
    _check_that_activities_fit(spec)
    return spec


def _given_parameters(query: str) -> Mapping[str, str]:
    given: dict[str, str] = {}
    for name, text in parse_qsl(query, keep_blank_values=True):
        if name in given:
            raise ConfigError(f"sim.{name}", "it is given twice", "keep one of the two")
        if name not in _KNOWN:
            near = get_close_matches(name, _KNOWN, n=1)
            remedy = f"write {near[0]}" if near else f"known are {', '.join(_KNOWN)}"
            raise ConfigError(f"sim.{name}", "there is no such parameter", remedy)
        given[name] = text
    return given


def _parse_place(text: str, seed: int) -> Place:
    if text == _ANY:
        return tuple(Place)[int(np.random.default_rng([seed, 7]).integers(len(Place)))]
    try:
        return Place(text or Place.STREET)
    except ValueError:
        known = ", ".join([*Place, _ANY])
        raise ConfigError("sim.place", f"there is no place {text!r}", f"write sim: and one of {known}") from None


def _whole(low: int, high: int) -> Callable[[str, str], float]:
    def parse(name: str, text: str) -> float:
        if not (text.isascii() and text.isdigit()) or not low <= int(text) <= high:
            raise ConfigError(f"sim.{name}", f"expected a whole number, got {text!r}", f"write {low} to {high}")
        return int(text)

    return parse


def _number(low: float, high: float) -> Callable[[str, str], float]:
    def parse(name: str, text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not low <= value <= high:
            raise ConfigError(f"sim.{name}", f"expected a number, got {text!r}", f"write {low:g} to {high:g}")
        return value

    return parse


def _parse_size(text: str) -> tuple[int, int]:
    width, _, height = text.partition("x")
    sides = [int(side) if side.isascii() and side.isdigit() else 0 for side in (width, height)]
    if not all(_SMALLEST_PX <= side <= _LARGEST_PX and side % 2 == 0 for side in sides):
        problem = f"expected WIDTHxHEIGHT, even, {_SMALLEST_PX} to {_LARGEST_PX} each, got {text!r}"
        raise ConfigError("sim.size", problem, "write size=960x540")
    return sides[0], sides[1]


def _check_that_activities_fit(spec: SceneSpec) -> None:
    if not spec.activities:
        return
    if spec.round_s < SHORTEST_ACTIVITY_S:
        problem = f"{spec.round_s:g} s is too short for a fall or another activity"
        raise ConfigError("sim.seconds", problem, f"write {SHORTEST_ACTIVITY_S:g} or more")
    room = spec.people * spec.visits_per_round
    if spec.activities > room:
        problem = (
            f"{spec.activities} activities (falls, sitting, crouching, lying_down) do not fit: "
            f"{spec.people} people have time for {room} in {spec.round_s:g} s"
        )
        raise ConfigError("sim.people", problem, "raise people or seconds, or ask for fewer activities")


_SMALLEST_PX: Final = 160
_LARGEST_PX: Final = 1920
_COUNTS: Final = ("people", "falls", "sitting", "crouching", "lying_down")
_PARAMETERS: Final[Mapping[str, Callable[[str, str], float]]] = {
    "seed": _whole(0, 2**31 - 1),
    "people": _whole(0, 12),
    "falls": _whole(0, 60),
    "sitting": _whole(0, 60),
    "crouching": _whole(0, 60),
    "lying_down": _whole(0, 60),
    "seconds": _number(0.0, 86400.0),
    "fps": _number(1.0, 60.0),
}
_KNOWN: Final = (*_PARAMETERS, "size")
