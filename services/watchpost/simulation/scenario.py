"""Who is in a scene when, planned from the seed alone, so that any instant can be told without playing the rest.

Each of the `people` of a scene is a place that one person after another fills. Time is cut into rounds (the whole of
a finite scene, a minute of an endless one); each round's activities are dealt out to its visits. In an endless scene
the places change rounds one after another, so that the picture is never empty at once.
"""

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Final

import numpy as np

from watchpost.simulation.acting import Moment, Spot
from watchpost.simulation.seats import SEAT_DEPTH_M
from watchpost.simulation.spec import SceneSpec
from watchpost.simulation.viewpoint import Viewpoint
from watchpost.simulation.visits import Activity, Ground, Visit, VisitPlan, perform

__all__ = ["Presence", "Scenario", "TrueFall"]


@dataclass(frozen=True, slots=True)
class TrueFall:
    """A fall as it happens: it begins, the body lies, and the person begins to get up (or the scene ends)."""

    person_id: int
    start_s: float
    lying_from_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Presence:
    """A person at one instant."""

    person_id: int
    moment: Moment


class Scenario:
    """The plan of a scene."""

    def __init__(self, spec: SceneSpec, viewpoint: Viewpoint) -> None:
        self.spec = spec
        self.grounds = _strips(spec, viewpoint)
        self._visits_of = lru_cache(maxsize=4 * max(1, spec.people))(self._perform_round)
        self._plans_of = lru_cache(maxsize=8)(self._deal)

    def people_at(self, time_s: float) -> tuple[Presence, ...]:
        """Everybody on the scene's ground, seen or still outside the picture."""
        present: list[Presence] = []
        for place in range(self.spec.people):
            visits = self._visits_of(place, self._round_at(place, time_s))
            moments = ((visit.plan.person_id, visit.at(time_s)) for visit in visits)
            present.extend(Presence(person_id, moment) for person_id, moment in moments if moment is not None)
        return tuple(present)

    def falls_until(self, time_s: float) -> tuple[TrueFall, ...]:
        """Every fall that begins in the scene and before `time_s`, in order."""
        last_s = time_s if self.spec.seconds is None else min(time_s, self.spec.seconds)
        falls = [
            TrueFall(visit.plan.person_id, visit.fall.start_s, visit.fall.lying_from_s, visit.fall.end_s)
            for place in range(self.spec.people)
            for number in range(self._round_at(place, 0.0), self._round_at(place, last_s) + 1)
            for visit in self._visits_of(place, number)
            if visit.fall is not None and 0.0 <= visit.fall.start_s < last_s
        ]
        return tuple(sorted(falls, key=lambda fall: fall.start_s))

    @property
    def seats(self) -> tuple[Spot, ...]:
        """Where seats stand: on each strip on which anybody will ever sit."""
        if not self.spec.sitting:
            return ()
        if self.spec.seconds is None:
            return tuple(ground.seat for ground in self.grounds)
        per_round, dealt = self.spec.visits_per_round, self._plans_of(0)
        strips = enumerate(self.grounds)
        return tuple(ground.seat for n, ground in strips if Activity.SIT in dealt[n * per_round : (n + 1) * per_round])

    def _offset_s(self, place: int) -> float:
        """How much earlier than the clock a place's rounds begin."""
        return self.spec.round_s * place / self.spec.people if self.spec.seconds is None else 0.0

    def _round_at(self, place: int, time_s: float) -> int:
        if self.spec.seconds is not None:
            return 0
        return int((time_s + self._offset_s(place)) // self.spec.round_s)

    def _deal(self, number: int) -> tuple[Activity, ...]:
        """What each visit of a round is for: entry `place * visits_per_round + n`."""
        spec = self.spec
        dealt = [Activity.STROLL] * (spec.people * spec.visits_per_round)
        wanted = (
            [Activity.FALL] * spec.falls
            + [Activity.SIT] * spec.sitting
            + [Activity.CROUCH] * spec.crouching
            + [Activity.LIE_DOWN] * spec.lying_down
        )
        random = np.random.default_rng([spec.seed, _DEALING, number + 1])
        for activity, at in zip(wanted, random.permutation(len(dealt)), strict=False):
            dealt[int(at)] = activity
        return tuple(dealt)

    def _perform_round(self, place: int, number: int) -> tuple[Visit, ...]:
        spec = self.spec
        per_round, length_s = spec.visits_per_round, spec.round_s / spec.visits_per_round
        begins_s = number * spec.round_s - self._offset_s(place)
        activities = self._plans_of(number)[place * per_round : (place + 1) * per_round]
        endless = spec.seconds is None
        visits = []
        for n, activity in enumerate(activities):
            plan = VisitPlan(
                person_id=((number + 1) * spec.people + place) * per_round + n,
                start_s=begins_s + n * length_s,
                end_s=begins_s + (n + 1) * length_s,
                activity=activity,
                comes_in=endless or n > 0,
                leaves=endless or n < per_round - 1,
            )
            random = np.random.default_rng([spec.seed, _ACTING, place, number + 1, n])
            visits.append(perform(plan, self.grounds[place], random))
        return tuple(visits)


def _strips(spec: SceneSpec, viewpoint: Viewpoint) -> tuple[Ground, ...]:
    """The strips of ground of a scene's places: even steps of size in the picture, in an order of the seed's."""
    if spec.people == 0:
        return ()
    random = np.random.default_rng([spec.seed, _STRIPS])
    edges_m = np.geomspace(viewpoint.nearest_m, viewpoint.farthest_m, spec.people + 1)
    columns = np.linspace(-_STAGE, _STAGE, spec.people + 1)
    places = random.permutation(spec.people)
    strips = [
        _strip(spec, viewpoint, (float(near_m), float(far_m)), (float(columns[place]), float(columns[place + 1])))
        for (near_m, far_m), place in zip(pairwise(edges_m), places, strict=True)
    ]
    return tuple(strips[int(index)] for index in random.permutation(len(strips)))


def _strip(spec: SceneSpec, viewpoint: Viewpoint, depths_m: tuple[float, float], column: tuple[float, float]) -> Ground:
    near_m, far_m = depths_m
    closeness = (viewpoint.farthest_m - near_m) / (viewpoint.farthest_m - viewpoint.nearest_m)
    half_width_m = viewpoint.half_width_m(near_m)
    seat_m = max(near_m, far_m - SEAT_DEPTH_M)
    return Ground(
        near_m=near_m,
        far_m=max(near_m + 0.1, seat_m - 0.1) if spec.sitting else far_m,
        half_width_m=half_width_m,
        left_m=column[0] * half_width_m,
        right_m=column[1] * half_width_m,
        seat=Spot((column[0] + column[1]) / 2 * half_width_m, seat_m),
        largest_slant=_SLANT_FAR - (_SLANT_FAR - _SLANT_NEAR) * closeness,
    )


_DEALING: Final = 11
_ACTING: Final = 12
_STRIPS: Final = 13
_STAGE: Final = 0.66
_SLANT_FAR: Final = 0.9
_SLANT_NEAR: Final = 0.3
