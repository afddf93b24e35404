"""The simulated camera's scene: its frames, and apart from them the truth about who is in them.

Example:
    >>> scene = Scene.from_uri("sim:street?seed=3&people=4&falls=2&seconds=60")
    >>> first = next(scene.frames())
    >>> first.bgr.shape
    (540, 960, 3)
    >>> len(scene.falls)
    2

"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from math import atan2, ceil
from operator import itemgetter
from typing import Final

import numpy as np

from watchpost.contracts.records import Posture
from watchpost.errors import ConfigError
from watchpost.simulation.body import skeleton
from watchpost.simulation.figures import Figure, draw_figure, outline_of
from watchpost.simulation.looks import look_of
from watchpost.simulation.places import draw_place
from watchpost.simulation.poses import posture_of
from watchpost.simulation.scenario import Presence, Scenario, TrueFall
from watchpost.simulation.seats import SEAT_DEPTH_M, draw_seat
from watchpost.simulation.spec import SceneSpec, parse_uri
from watchpost.simulation.sprites import Picture, Sprite, SpriteCache
from watchpost.simulation.viewpoint import Viewpoint
from watchpost.simulation.weather import Weather
from watchpost.vision.geometry import FractionBox, PixelBox

__all__ = ["FrameTruth", "Scene", "SimFrame", "TruePerson"]


@dataclass(frozen=True, slots=True)
class SimFrame:
    """One picture of the simulated camera: BGR (H, W, 3) uint8, owned by the reader."""

    index: int
    time_s: float
    bgr: Picture


@dataclass(frozen=True, slots=True)
class TruePerson:
    """A person who is seen: the box is cut at the picture's edge, not by who stands in front."""

    person_id: int
    box: FractionBox
    posture: Posture


@dataclass(frozen=True, slots=True)
class FrameTruth:
    """Everybody in the picture at one instant."""

    people: tuple[TruePerson, ...]


@dataclass(frozen=True, slots=True)
class _Cast:
    """A person as drawn: the figure and where the point between the feet lies in the picture."""

    person_id: int
    figure: Figure
    feet_px: tuple[float, float]
    z_m: float

    def box(self, viewpoint: Viewpoint) -> PixelBox:
        around = outline_of(self.figure, viewpoint)
        x, y = self.feet_px
        return PixelBox(around.x0 + x, around.y0 + y, around.x1 + x, around.y1 + y)


class Scene:
    """A rendered street, room or shop, the same at every run from its spec (for one numpy and one OpenCV)."""

    def __init__(self, spec: SceneSpec) -> None:
        self.spec = spec
        random = np.random.default_rng([spec.seed, _SETTING])
        self._viewpoint = Viewpoint(spec.width_px, spec.height_px, float(random.uniform(2.8, 3.8)))
        self._light = (float(random.choice([-1.0, 1.0]) * random.uniform(0.3, 0.8)), -0.5)
        self._scenario = Scenario(spec, self._viewpoint)
        self._sprites = SpriteCache(_SPRITES_BYTES)

    @classmethod
    def from_uri(cls, uri: str) -> "Scene":
        """The scene of a `sim:` address.

        Raises:
            ConfigError: the address is malformed; the error names the parameter.

        """
        return cls(parse_uri(uri))

    @property
    def frame_count(self) -> int | None:
        """How many frames there are, or None for an endless scene."""
        return None if self.spec.seconds is None else ceil(self.spec.seconds * self.spec.fps)

    @property
    def falls(self) -> tuple[TrueFall, ...]:
        """Every fall of a finite scene, in order.

        Raises:
            ConfigError: the scene is endless.

        """
        if self.spec.seconds is None:
            raise ConfigError("sim.seconds", "an endless scene has no last fall", "ask falls_until, or set seconds")
        return self._scenario.falls_until(self.spec.seconds)

    def falls_until(self, time_s: float) -> tuple[TrueFall, ...]:
        """Every fall that begins before `time_s`, in order; for endless scenes too."""
        return self._scenario.falls_until(time_s)

    def frames(self, start_s: float = 0.0) -> Iterator[SimFrame]:
        """The frames from `start_s` on, in order; without an end where the scene is endless."""
        index = self.index_at(start_s)
        while self.has_frame(index):
            yield self.frame(index)
            index += 1

    def index_at(self, time_s: float) -> int:
        """The first frame at or after `time_s`."""
        return ceil(time_s * self.spec.fps)

    def has_frame(self, index: int) -> bool:
        """Whether the scene lasts until this frame."""
        return self.frame_count is None or index < self.frame_count

    def frame(self, index: int) -> SimFrame:
        """Any one frame. Frames that follow one another are cheapest (6 ms on average at 960x540 with 4 people)."""
        time_s = index / self.spec.fps
        picture = self._backdrop.copy()
        people = [(cast.z_m, self._sprite(cast.figure), cast.feet_px) for cast in self._casts_at(time_s)]
        for _, sprite, origin_px in sorted([*self._seats, *people], key=itemgetter(0), reverse=True):
            sprite.lay_over(picture, origin_px)
        return SimFrame(index, time_s, self._weather.seen(picture, index, time_s))

    def truth(self, time_s: float) -> FrameTruth:
        """Who is in the picture at `time_s`. For tests and evaluation: no detector may be handed this."""
        width_px, height_px = self.spec.width_px, self.spec.height_px
        people = []
        for cast in self._casts_at(time_s):
            whole = cast.box(self._viewpoint)
            seen = whole.clipped(width_px, height_px)
            if seen.width * seen.height < _LEAST_SEEN * whole.width * whole.height:
                continue
            posture = posture_of(skeleton(cast.figure.pose))
            people.append(TruePerson(cast.person_id, seen.to_fractions(width_px, height_px), posture))
        return FrameTruth(tuple(people))

    def _casts_at(self, time_s: float) -> list[_Cast]:
        return [self._cast(presence) for presence in self._scenario.people_at(time_s)]

    def _cast(self, presence: Presence) -> _Cast:
        spot = presence.moment.spot
        heading = presence.moment.heading + atan2(spot.x_m, spot.z_m)
        look = look_of(self.spec.seed, presence.person_id)
        x_px, y_px = self._viewpoint.project(np.array([[spot.x_m, 0.0, spot.z_m]]))[0]
        figure = Figure.seen(presence.moment.pose, heading, spot.z_m, look)
        return _Cast(presence.person_id, figure, (float(x_px), float(y_px)), spot.z_m)

    def _sprite(self, figure: Figure) -> Sprite:
        return self._sprites.get(figure, lambda: draw_figure(figure, self._viewpoint, self._light))

    @cached_property
    def _backdrop(self) -> Picture:
        random = np.random.default_rng([self.spec.seed, _BACKDROP])
        return draw_place(self.spec.place, self._viewpoint, random)

    @cached_property
    def _seats(self) -> tuple[tuple[float, Sprite, tuple[float, float]], ...]:
        """Distance, sprite and origin of each seat."""
        random = np.random.default_rng([self.spec.seed, _SEATS])
        return tuple(
            (seat.z_m + SEAT_DEPTH_M, draw_seat(seat, self._viewpoint, random), (0.0, 0.0))
            for seat in self._scenario.seats
        )

    @cached_property
    def _weather(self) -> Weather:
        random = np.random.default_rng([self.spec.seed, _WEATHER])
        return Weather(self.spec.width_px, self.spec.height_px, random)


_SETTING: Final = 1
_BACKDROP: Final = 2
_WEATHER: Final = 3
_SEATS: Final = 4
_SPRITES_BYTES: Final = 48 * 1024 * 1024
_LEAST_SEEN: Final = 0.3
