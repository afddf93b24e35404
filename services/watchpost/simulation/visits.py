"""One person's visit to a scene, from coming in to leaving, with at most one thing worth telling in between."""

from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from math import hypot, pi
from typing import Final

import numpy as np

from watchpost.simulation.acting import Action, Moment, Performance, Spot
from watchpost.simulation.body import Pose
from watchpost.simulation.poses import (
    CROUCHING,
    LYING,
    RISING,
    SITTING,
    STANDING,
    STOOPING,
    STUMBLING,
    FallWay,
)

__all__ = ["Activity", "Fall", "Ground", "Visit", "VisitPlan", "perform"]


class Activity(StrEnum):
    """The one thing that a visit is for."""

    STROLL = "stroll"
    FALL = "fall"
    SIT = "sit"
    CROUCH = "crouch"
    LIE_DOWN = "lie_down"


@dataclass(frozen=True, slots=True)
class Ground:
    """The strip of ground that one person walks on: depths and half the visible width in metres.

    People stand and act between `left_m` and `right_m` only, each in a column of the picture of their own, so that
    nobody stands in front of another for long.
    """

    near_m: float
    far_m: float
    half_width_m: float
    left_m: float
    right_m: float
    seat: Spot
    largest_slant: float


@dataclass(frozen=True, slots=True)
class VisitPlan:
    """When a visit is and what for. `comes_in` and `leaves` are false at the ends of a finite scene."""

    person_id: int
    start_s: float
    end_s: float
    activity: Activity
    comes_in: bool
    leaves: bool


@dataclass(frozen=True, slots=True)
class Fall:
    """When a person begins to fall, lies, and begins to get up (or the visit ends)."""

    start_s: float
    lying_from_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Visit:
    """A performed visit."""

    plan: VisitPlan
    actions: tuple[Action, ...]
    fall: Fall | None

    def at(self, time_s: float) -> Moment | None:
        """The person at an instant, or None before or after the visit."""
        if not self.plan.start_s <= time_s < min(self.plan.end_s, self.actions[-1].end_s):
            return None
        index = bisect_right([action.end_s for action in self.actions], time_s)
        return self.actions[index].at(time_s)


def perform(plan: VisitPlan, ground: Ground, random: np.random.Generator) -> Visit:
    """Act a planned visit out on its strip of ground. Time left over is spent strolling and standing about."""
    actor = _Actor(plan, ground, random)
    actor.come_in()
    fall = _ACTS[plan.activity](actor)
    actor.leave()
    return Visit(plan, tuple(actor.performance.actions), fall)


class _Actor:
    """A visit in the making."""

    def __init__(self, plan: VisitPlan, ground: Ground, random: np.random.Generator) -> None:
        self.plan, self.ground, self.random = plan, ground, random
        self.speed_m_s = float(random.uniform(1.15, 1.6))
        start = self._edge() if plan.comes_in else self._inside()
        self.performance = Performance(start, plan.start_s)
        self._way_out = self._edge()

    def _depth_m(self) -> float:
        return float(self.random.uniform(self.ground.near_m, self.ground.far_m))

    def _edge(self) -> Spot:
        side = float(self.random.choice([-1.0, 1.0]))
        return Spot(side * (self.ground.half_width_m + 0.6), self._depth_m())

    def _inside(self) -> Spot:
        return Spot(self.uniform(self.ground.left_m, self.ground.right_m), self._depth_m())

    def _anywhere(self) -> Spot:
        return Spot(self.uniform(-0.9, 0.9) * self.ground.half_width_m, self._depth_m())

    def _facing(self) -> float:
        """Where somebody who stands looks: to all sides but straight along the picture."""
        return float(self.random.choice([-1.0, 1.0])) * pi / 2 + self.uniform(-1.0, 1.0)

    def uniform(self, low: float, high: float) -> float:
        return float(self.random.uniform(low, high))

    def left_s(self) -> float:
        """The time that is free before the person must make for the edge."""
        return self.plan.end_s - self.performance.now_s - self._way_out_s()

    def _way_out_s(self) -> float:
        if not self.plan.leaves:
            return 0.0
        return self._way_out_m() / self.speed_m_s + 0.6

    def _way_out_m(self) -> float:
        here = self.performance.spot
        return hypot(self._way_out.x_m - here.x_m, self._way_out.z_m - here.z_m)

    def come_in(self) -> None:
        if self.plan.comes_in:
            self.performance.walk(self._inside(), self.speed_m_s)

    def leave(self) -> None:
        if self.performance.pose in _ON_THE_FLOOR:
            return
        self.linger(0.0)
        if self.plan.leaves:
            left_s = self.plan.end_s - self.performance.now_s - _TURNING_S
            hurried_m_s = self._way_out_m() / max(left_s, 1.0)
            self.performance.walk(self._way_out, min(max(self.speed_m_s, hurried_m_s), _FASTEST_M_S))

    def linger(self, keep_s: float) -> None:
        """Stroll (and come back) and stand about until only `keep_s` of the free time is left."""
        while (free_s := self.left_s() - keep_s) > _WORTH_FILLING_S:
            target = self._anywhere()
            stroll_s = 2 * abs(target.x_m - self.performance.spot.x_m) / self.speed_m_s + 3.0
            if stroll_s < free_s and self.random.random() < _STROLLS:
                self.performance.walk(target, self.speed_m_s)
                self.performance.walk(self._inside(), self.speed_m_s)
                continue
            stand = STANDING[int(self.random.integers(len(STANDING)))]
            seconds = min(free_s, self.uniform(1.5, 4.0))
            turned = min(_TURNING_S, seconds)
            self.performance.turn_into(stand, turned, heading=self._facing())
            self.performance.hold(seconds - turned)

    def sometime(self, needed_s: float) -> None:
        """Linger for a random part of the time that an act of `needed_s` leaves free."""
        self.linger(needed_s + self.uniform(0.0, 0.7) * max(0.0, self.left_s() - needed_s))


def _stroll(actor: _Actor) -> None:
    actor.linger(0.0)


def _fall(actor: _Actor) -> Fall:
    falling_s, rising_s = actor.uniform(0.5, 1.0), actor.uniform(2.6, 3.6)
    actor.sometime(_SHORTEST_LYING_S + falling_s + rising_s + 1.0)
    performance = actor.performance
    way = tuple(FallWay)[int(actor.random.integers(len(FallWay)))]
    start_s = performance.now_s
    heading = _heading_to_lie(actor, way)
    performance.become((performance.pose, STUMBLING[way], LYING[way]), falling_s, heading=heading, gathering=1.5)
    lying_from_s = performance.now_s
    stays = not actor.plan.leaves and actor.random.random() < _STAYS_DOWN
    free_s = actor.left_s() - (0.0 if stays else rising_s)
    performance.hold(free_s if stays else max(_SHORTEST_LYING_S, min(free_s, actor.uniform(6.0, 12.0))))
    end_s = min(performance.now_s, actor.plan.end_s)
    if not stays:
        performance.become((performance.pose, *RISING, Pose()), rising_s)
    return Fall(start_s, lying_from_s, end_s)


def _heading_to_lie(actor: _Actor, way: FallWay) -> float:
    """The heading with which a fall this way ends across the picture, where the person's own column has more room."""
    axis = actor.uniform(-1.0, 1.0) * actor.ground.largest_slant
    axis += pi if actor.performance.spot.x_m > (actor.ground.left_m + actor.ground.right_m) / 2 else 0.0
    turn = {FallWay.FORWARD: 0.0, FallWay.BACKWARD: pi, FallWay.RIGHT: pi / 2, FallWay.LEFT: -pi / 2}
    return axis + turn[way]


def _sit(actor: _Actor) -> None:
    performance, seat = actor.performance, actor.ground.seat
    down_s = actor.uniform(0.9, 1.6)
    actor.sometime(2 * down_s + 10.0)
    performance.walk(seat, actor.speed_m_s)
    performance.turn_into(Pose(), 0.5, heading=-pi / 2)
    pose = SITTING[int(actor.random.integers(len(SITTING)))]
    performance.turn_into(pose, down_s)
    performance.hold(max(3.0, min(actor.uniform(6.0, 14.0), actor.left_s() - down_s)))
    performance.turn_into(Pose(), down_s)


def _crouch(actor: _Actor) -> None:
    performance = actor.performance
    down_s = actor.uniform(0.7, 1.3)
    actor.sometime(2 * down_s + 8.0)
    pose = (*CROUCHING, STOOPING)[int(actor.random.integers(len(CROUCHING) + 1))]
    performance.turn_into(pose, down_s)
    performance.hold(max(2.0, min(actor.uniform(3.0, 8.0), actor.left_s() - down_s)))
    performance.turn_into(Pose(), down_s)


def _lie_down(actor: _Actor) -> None:
    performance = actor.performance
    down_s, up_s = actor.uniform(5.0, 7.5), actor.uniform(3.0, 4.5)
    actor.sometime(down_s + up_s + 6.0)
    heading = _heading_to_lie(actor, FallWay.BACKWARD)
    performance.turn_into(Pose(), 0.5, heading=heading)
    lying = LYING[FallWay.BACKWARD]
    performance.become((performance.pose, *reversed(RISING), lying), down_s)
    performance.hold(max(3.0, min(actor.uniform(5.0, 10.0), actor.left_s() - up_s)))
    performance.become((lying, *RISING, Pose()), up_s)


_STROLLS: Final = 0.7
_TURNING_S: Final = 0.4
_FASTEST_M_S: Final = 2.6
_WORTH_FILLING_S: Final = 0.1
_STAYS_DOWN: Final = 0.7
_SHORTEST_LYING_S: Final = 4.5
_ON_THE_FLOOR: Final = tuple(LYING.values())
_ACTS: Final[Mapping[Activity, Callable[[_Actor], Fall | None]]] = {
    Activity.STROLL: _stroll,
    Activity.FALL: _fall,
    Activity.SIT: _sit,
    Activity.CROUCH: _crouch,
    Activity.LIE_DOWN: _lie_down,
}
