"""What one person does, second by second: walking and changing from pose to pose on the ground of a scene."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import atan2, hypot, pi, remainder
from typing import Protocol

from watchpost.simulation.body import Pose, mix
from watchpost.simulation.poses import GAIT_STEPS, STRIDE_M, gait

__all__ = ["Action", "Change", "Moment", "Performance", "Spot", "Walk"]


@dataclass(frozen=True, slots=True)
class Spot:
    """A point on the ground, in metres: x to the right of the camera's axis, z away from it."""

    x_m: float
    z_m: float


@dataclass(frozen=True, slots=True)
class Moment:
    """Where a person is at one instant, how turned and in which pose."""

    spot: Spot
    heading: float
    pose: Pose


class Action(Protocol):
    """A stretch of a person's time."""

    @property
    def end_s(self) -> float:
        """When the next action takes over."""
        ...

    def at(self, time_s: float) -> Moment:
        """The person at an instant before `end_s`."""
        ...


@dataclass(frozen=True, slots=True)
class Walk:
    """From one spot straight to another."""

    start_s: float
    end_s: float
    origin: Spot
    target: Spot
    briskness: float

    @property
    def heading(self) -> float:
        return atan2(self.target.z_m - self.origin.z_m, self.target.x_m - self.origin.x_m)

    def at(self, time_s: float) -> Moment:
        share = (time_s - self.start_s) / (self.end_s - self.start_s)
        across_m, away_m = self.target.x_m - self.origin.x_m, self.target.z_m - self.origin.z_m
        walked_m = share * hypot(across_m, away_m)
        step = int(walked_m / (STRIDE_M * self.briskness) * GAIT_STEPS) % GAIT_STEPS
        spot = Spot(self.origin.x_m + share * across_m, self.origin.z_m + share * away_m)
        return Moment(spot, self.heading, gait(step, self.briskness))


@dataclass(frozen=True, slots=True)
class Change:
    """On the spot through poses, at even times, while turning the short way. One pose alone is held.

    `gathering` is the power of time that progress follows: 1 even, 2 as something that falls.
    """

    start_s: float
    end_s: float
    spot: Spot
    headings: tuple[float, float]
    poses: tuple[Pose, ...]
    gathering: float = 1.0

    def at(self, time_s: float) -> Moment:
        share = min(1.0, max(0.0, (time_s - self.start_s) / (self.end_s - self.start_s))) ** self.gathering
        turn = remainder(self.headings[1] - self.headings[0], 2 * pi)
        return Moment(self.spot, self.headings[0] + share * turn, _among(self.poses, share))


def _among(poses: Sequence[Pose], share: float) -> Pose:
    if len(poses) == 1:
        return poses[0]
    place = share * (len(poses) - 1)
    first = min(int(place), len(poses) - 2)
    return mix(poses[first], poses[first + 1], place - first)


class Performance:
    """Puts actions one after another, so that each begins where the last one ended.

    Example:
        >>> performance = Performance(Spot(0.0, 8.0), 0.0)
        >>> performance.walk(Spot(2.6, 8.0), 1.3)
        >>> performance.now_s
        2.0

    """

    def __init__(self, spot: Spot, start_s: float) -> None:
        self.spot = spot
        self.now_s = start_s
        self.heading = 0.0
        self.pose = Pose()
        self.actions: list[Action] = []

    def walk(self, target: Spot, speed_m_s: float) -> None:
        seconds = hypot(target.x_m - self.spot.x_m, target.z_m - self.spot.z_m) / speed_m_s
        if seconds <= 0:
            return
        walk = Walk(self.now_s, self.now_s + seconds, self.spot, target, min(1.15, 0.55 + 0.35 * speed_m_s))
        if self.actions:
            self.become((self.pose, Pose()), 0.3, heading=walk.heading)
            walk = Walk(self.now_s, self.now_s + seconds, self.spot, target, walk.briskness)
        self.actions.append(walk)
        self.spot, self.heading, self.now_s, self.pose = target, walk.heading, walk.end_s, Pose()

    def become(
        self, poses: tuple[Pose, ...], seconds: float, *, heading: float | None = None, gathering: float = 1.0
    ) -> None:
        """Go through `poses` (the first is the present one) in `seconds`, turning to `heading`."""
        if seconds <= 0:
            return
        turned = self.heading if heading is None else heading
        headings = (self.heading, turned)
        self.actions.append(Change(self.now_s, self.now_s + seconds, self.spot, headings, poses, gathering))
        self.heading, self.pose, self.now_s = turned, poses[-1], self.now_s + seconds

    def turn_into(self, pose: Pose, seconds: float, *, heading: float | None = None) -> None:
        """Change from the present pose to another."""
        self.become((self.pose, pose), seconds, heading=heading)

    def hold(self, seconds: float) -> None:
        """Stay as one is."""
        self.become((self.pose,), seconds)
