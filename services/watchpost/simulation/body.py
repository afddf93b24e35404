"""The body as joint angles and where its joints lie, so that every posture is drawn from one skeleton.

The body's own axes are forward, up and right, in metres of a person 1.72 m tall. `skeleton` sets the pose on the
ground (its lowest point touches height 0) and over its feet, which therefore stay where they are when a person
falls, sits or crouches.

Example:
    >>> lying = skeleton(Pose(pitch=1.5))
    >>> bool(lying[Joint.HEAD, 1] < 0.3)
    True

"""

from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from math import cos, pi, sin
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["JOINT_RADIUS_M", "Joint", "Limb", "Points", "Pose", "mix", "skeleton"]

Points = NDArray[np.float64]


class Joint(IntEnum):
    """The rows of a skeleton. HAIR_*, CHIN, CHEST and SEAT only shape the drawing."""

    PELVIS = 0
    HIP_L = 1
    HIP_R = 2
    KNEE_L = 3
    KNEE_R = 4
    ANKLE_L = 5
    ANKLE_R = 6
    TOE_L = 7
    TOE_R = 8
    WAIST_L = 9
    WAIST_R = 10
    SHOULDER_L = 11
    SHOULDER_R = 12
    ELBOW_L = 13
    ELBOW_R = 14
    WRIST_L = 15
    WRIST_R = 16
    FINGERS_L = 17
    FINGERS_R = 18
    NECK = 19
    HEAD = 20
    CHIN = 21
    HAIR_TOP = 22
    HAIR_BACK = 23
    CHEST = 24
    SEAT = 25


_RADII_M: Final = {
    Joint.PELVIS: 0.115,
    Joint.HIP_L: 0.1,
    Joint.KNEE_L: 0.066,
    Joint.ANKLE_L: 0.048,
    Joint.TOE_L: 0.038,
    Joint.WAIST_L: 0.113,
    Joint.SHOULDER_L: 0.08,
    Joint.ELBOW_L: 0.05,
    Joint.WRIST_L: 0.037,
    Joint.FINGERS_L: 0.035,
    Joint.NECK: 0.06,
    Joint.HEAD: 0.096,
    Joint.CHIN: 0.072,
    Joint.HAIR_TOP: 0.092,
    Joint.HAIR_BACK: 0.094,
    Joint.CHEST: 0.105,
    Joint.SEAT: 0.105,
}
JOINT_RADIUS_M: Final[Points] = np.array(
    [_RADII_M.get(joint, _RADII_M.get(Joint(max(0, joint - 1)), 0.0)) for joint in Joint]
)
_THIGH_M: Final = 0.44
_SHIN_M: Final = 0.42
_FOOT_M: Final = 0.15
_UPPER_ARM_M: Final = 0.29
_FOREARM_M: Final = 0.25
_HAND_M: Final = 0.09
_UNPOINTED: Final = 0.0


@dataclass(frozen=True, slots=True)
class Limb:
    """A leg or an arm, in radians: forward swing, sideways spread, bend of knee or elbow."""

    swing: float = 0.0
    spread: float = 0.08
    bend: float = 0.05


_RELAXED_ARM: Final = Limb(0.0, 0.12, 0.25)


@dataclass(frozen=True, slots=True)
class Pose:
    """Joint angles in radians: the pelvis' pitch (forward) and roll (to the right), the bends of trunk and head.

    `toe` points the toes; `planted` says what the body stands over: 1 its feet, 0 its pelvis (walking).
    """

    pitch: float = 0.0
    roll: float = 0.0
    spine: float = 0.0
    nod: float = 0.0
    toe: float = _UNPOINTED
    planted: float = 1.0
    left_leg: Limb = Limb()
    right_leg: Limb = Limb()
    left_arm: Limb = _RELAXED_ARM
    right_arm: Limb = _RELAXED_ARM


def mix(first: Pose, second: Pose, share: float) -> Pose:
    """The pose at `share` (0…1) of the way from the first to the second."""

    def between(a: float, b: float) -> float:
        return a + (b - a) * share

    def limb(a: Limb, b: Limb) -> Limb:
        return Limb(between(a.swing, b.swing), between(a.spread, b.spread), between(a.bend, b.bend))

    return Pose(
        pitch=between(first.pitch, second.pitch),
        roll=between(first.roll, second.roll),
        spine=between(first.spine, second.spine),
        nod=between(first.nod, second.nod),
        toe=between(first.toe, second.toe),
        planted=between(first.planted, second.planted),
        left_leg=limb(first.left_leg, second.left_leg),
        right_leg=limb(first.right_leg, second.right_leg),
        left_arm=limb(first.left_arm, second.left_arm),
        right_arm=limb(first.right_arm, second.right_arm),
    )


@lru_cache(maxsize=1024)
def skeleton(pose: Pose) -> Points:
    """The joints of a pose: one row a `Joint`, columns forward, up, right in metres; read-only."""
    points = np.zeros((len(Joint), 3))
    pelvis = _turned(np.eye(3), pose.pitch) @ _rolled(pose.roll)
    chest = _turned(pelvis, pose.spine)
    head = _turned(chest, pose.nod)
    _place_trunk(points, pelvis, chest, head)
    for side, sign in ((0, -1.0), (1, 1.0)):
        _place_leg(points, side, sign, pelvis, (pose.left_leg, pose.right_leg)[side], pose.toe)
        _place_arm(points, side, sign, chest, (pose.left_arm, pose.right_arm)[side])
    feet = (points[Joint.ANKLE_L] + points[Joint.ANKLE_R]) / 2
    points[:, 0] -= pose.planted * feet[0]
    points[:, 2] -= pose.planted * feet[2]
    points[:, 1] -= float((points[:, 1] - JOINT_RADIUS_M).min())
    points.flags.writeable = False
    return points


def _turned(axes: Points, pitch: float) -> Points:
    """Axes (columns forward, up, right) pitched forward about their own right axis."""
    c, s = cos(pitch), sin(pitch)
    return np.asarray(axes @ np.array([[c, s, 0.0], [-s, c, 0.0], [0.0, 0.0, 1.0]]), np.float64)


def _rolled(roll: float) -> Points:
    c, s = cos(roll), sin(roll)
    return np.array([[1.0, 0.0, 0.0], [0.0, c, -s], [0.0, s, c]])


def _place_trunk(points: Points, pelvis: Points, chest: Points, head: Points) -> None:
    waist = pelvis @ np.array([0.0, 0.16, 0.0])
    neck = waist + chest @ np.array([0.01, 0.36, 0.0])
    skull = neck + head @ np.array([0.03, 0.155, 0.0])
    points[Joint.NECK] = neck
    points[Joint.CHEST] = waist + chest @ np.array([0.045, 0.21, 0.0])
    points[Joint.SEAT] = pelvis @ np.array([-0.05, -0.02, 0.0])
    points[Joint.HEAD] = skull
    points[Joint.CHIN] = skull + head @ np.array([0.022, -0.06, 0.0])
    points[Joint.HAIR_TOP] = skull + head @ np.array([-0.014, 0.036, 0.0])
    points[Joint.HAIR_BACK] = skull + head @ np.array([-0.032, 0.008, 0.0])
    for side, sign in ((0, -1.0), (1, 1.0)):
        points[Joint.HIP_L + side] = pelvis @ np.array([0.0, -0.03, sign * 0.085])
        points[Joint.WAIST_L + side] = waist + pelvis @ np.array([0.0, 0.0, sign * 0.055])
        points[Joint.SHOULDER_L + side] = waist + chest @ np.array([0.0, 0.31, sign * 0.165])


def _place_leg(points: Points, side: int, sign: float, axes: Points, limb: Limb, toe: float) -> None:
    hip, knee, ankle = Joint.HIP_L + side, Joint.KNEE_L + side, Joint.ANKLE_L + side
    points[knee] = points[hip] + _THIGH_M * _along(axes, limb.swing, limb.spread * sign)
    shin = limb.swing - limb.bend
    points[ankle] = points[knee] + _SHIN_M * _along(axes, shin, limb.spread * sign * 0.6)
    points[Joint.TOE_L + side] = points[ankle] + _FOOT_M * _along(axes, shin + pi / 2 - toe, limb.spread * sign)


def _place_arm(points: Points, side: int, sign: float, axes: Points, limb: Limb) -> None:
    shoulder, elbow, wrist = Joint.SHOULDER_L + side, Joint.ELBOW_L + side, Joint.WRIST_L + side
    forearm = _along(axes, limb.swing + limb.bend, limb.spread * sign * 0.7)
    points[elbow] = points[shoulder] + _UPPER_ARM_M * _along(axes, limb.swing, limb.spread * sign)
    points[wrist] = points[elbow] + _FOREARM_M * forearm
    points[Joint.FINGERS_L + side] = points[wrist] + _HAND_M * forearm


def _along(axes: Points, swing: float, spread: float) -> Points:
    """A unit vector that hangs down, swung forward and spread to the right."""
    down = np.array([sin(swing) * cos(spread), -cos(swing) * cos(spread), sin(spread)])
    return np.asarray(axes @ down, np.float64)
