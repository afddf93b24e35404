"""The poses that people in a scene take, because a fall is told from lying down by how one leads to the other."""

from enum import StrEnum
from math import cos, pi, sin
from typing import Final

from watchpost.contracts.records import Posture
from watchpost.simulation.body import Joint, Limb, Points, Pose

__all__ = [
    "CROUCHING",
    "GAIT_STEPS",
    "LYING",
    "RISING",
    "SITTING",
    "STANDING",
    "STOOPING",
    "STRIDE_M",
    "STUMBLING",
    "FallWay",
    "gait",
    "posture_of",
]

GAIT_STEPS: Final = 12
STRIDE_M: Final = 1.45

STANDING: Final = (
    Pose(left_leg=Limb(0.1, 0.09, 0.06), right_leg=Limb(-0.08, 0.09, 0.03), left_arm=Limb(0.1, 0.14, 0.25)),
    Pose(
        nod=0.45,
        left_leg=Limb(-0.06, 0.12, 0.03),
        right_leg=Limb(0.1, 0.1, 0.08),
        right_arm=Limb(0.35, 0.05, 1.9),
        left_arm=Limb(0.0, 0.1, 0.2),
    ),
    Pose(
        left_leg=Limb(0.05, 0.15, 0.05),
        right_leg=Limb(-0.1, 0.12, 0.05),
        left_arm=Limb(-0.3, 0.3, 1.1),
        right_arm=Limb(-0.3, 0.3, 1.1),
    ),
    Pose(
        spine=0.05,
        left_leg=Limb(-0.12, 0.1, 0.02),
        right_leg=Limb(0.16, 0.12, 0.2),
        left_arm=Limb(-0.25, 0.2, 0.7),
        right_arm=Limb(0.05, 0.14, 0.3),
    ),
)
SITTING: Final = (
    Pose(
        pitch=-0.12,
        spine=0.12,
        left_leg=Limb(1.5, 0.12, 1.45),
        right_leg=Limb(1.45, 0.12, 1.5),
        left_arm=Limb(0.5, 0.1, 0.8),
        right_arm=Limb(0.5, 0.1, 0.9),
    ),
    Pose(
        pitch=0.15,
        spine=0.25,
        nod=0.3,
        left_leg=Limb(1.6, 0.2, 1.5),
        right_leg=Limb(1.6, 0.2, 1.45),
        left_arm=Limb(0.7, 0.15, 0.9),
        right_arm=Limb(0.6, 0.1, 1.6),
    ),
)
CROUCHING: Final = (
    Pose(
        pitch=0.45,
        spine=0.35,
        nod=-0.2,
        left_leg=Limb(1.95, 0.2, 2.35),
        right_leg=Limb(1.7, 0.2, 2.2),
        left_arm=Limb(1.0, 0.1, 0.5),
        right_arm=Limb(1.1, 0.1, 0.3),
    ),
    Pose(
        pitch=0.25,
        spine=0.3,
        left_leg=Limb(1.6, 0.12, 1.75),
        right_leg=Limb(0.25, 0.1, 1.9),
        left_arm=Limb(0.9, 0.1, 0.6),
        right_arm=Limb(0.8, 0.1, 0.5),
    ),
)
STOOPING: Final = Pose(
    pitch=0.75,
    spine=0.7,
    left_leg=Limb(0.75, 0.12, 0.2),
    right_leg=Limb(0.8, 0.12, 0.25),
    left_arm=Limb(1.4, 0.1, 0.1),
    right_arm=Limb(1.4, 0.1, 0.1),
)
_ON_THE_GROUND: Final = Pose(
    pitch=-0.5,
    spine=0.45,
    left_leg=Limb(1.75, 0.15, 0.9),
    right_leg=Limb(1.9, 0.15, 1.2),
    left_arm=Limb(-0.5, 0.25, 0.1),
    right_arm=Limb(-0.5, 0.25, 0.1),
)
_ON_THE_ELBOWS: Final = Pose(
    pitch=-1.05,
    spine=0.25,
    nod=0.3,
    left_leg=Limb(1.1, 0.12, 0.75),
    right_leg=Limb(1.2, 0.15, 1.0),
    left_arm=Limb(-0.4, 0.25, 0.9),
    right_arm=Limb(-0.4, 0.25, 0.9),
)


class FallWay(StrEnum):
    """Which way a falling body goes, seen by itself."""

    FORWARD = "forward"
    BACKWARD = "backward"
    LEFT = "left"
    RIGHT = "right"


STUMBLING: Final[dict[FallWay, Pose]] = {
    FallWay.FORWARD: Pose(
        pitch=0.5,
        spine=0.25,
        left_leg=Limb(0.7, 0.1, 0.7),
        right_leg=Limb(0.1, 0.1, 0.9),
        left_arm=Limb(1.3, 0.2, 0.4),
        right_arm=Limb(1.1, 0.3, 0.5),
    ),
    FallWay.BACKWARD: Pose(
        pitch=-0.45,
        spine=0.3,
        left_leg=Limb(0.7, 0.15, 0.8),
        right_leg=Limb(0.4, 0.15, 0.5),
        left_arm=Limb(0.6, 0.7, 0.4),
        right_arm=Limb(0.4, 0.8, 0.4),
    ),
    FallWay.LEFT: Pose(
        roll=-0.5,
        left_leg=Limb(0.3, 0.1, 0.7),
        right_leg=Limb(0.1, 0.4, 0.3),
        left_arm=Limb(0.3, 0.9, 0.2),
        right_arm=Limb(0.3, 1.0, 0.3),
    ),
    FallWay.RIGHT: Pose(
        roll=0.5,
        left_leg=Limb(0.1, 0.4, 0.3),
        right_leg=Limb(0.3, 0.1, 0.7),
        left_arm=Limb(0.3, 1.0, 0.3),
        right_arm=Limb(0.3, 0.9, 0.2),
    ),
}
_PRONE: Final = Pose(
    pitch=pi / 2,
    nod=-0.1,
    toe=1.3,
    left_leg=Limb(0.0, 0.15, 0.05),
    right_leg=Limb(0.0, 0.3, 0.25),
    left_arm=Limb(0.0, 1.9, 0.0),
    right_arm=Limb(0.0, 0.5, 0.0),
)
_SUPINE: Final = Pose(
    pitch=-pi / 2,
    nod=0.15,
    left_leg=Limb(0.05, 0.15, 0.08),
    right_leg=Limb(0.4, 0.2, 0.75),
    left_arm=Limb(0.1, 0.6, 0.1),
    right_arm=Limb(-0.05, 0.4, 0.9),
)
_ON_LEFT_SIDE: Final = Pose(
    roll=-pi / 2,
    left_leg=Limb(0.25, -0.02, 0.5),
    right_leg=Limb(0.6, -0.12, 0.9),
    left_arm=Limb(1.6, -0.05, 0.4),
    right_arm=Limb(0.6, -0.2, 0.7),
)
_ON_RIGHT_SIDE: Final = Pose(
    roll=pi / 2,
    left_leg=Limb(0.6, -0.12, 0.9),
    right_leg=Limb(0.25, -0.02, 0.5),
    left_arm=Limb(0.6, -0.2, 0.7),
    right_arm=Limb(1.6, -0.05, 0.4),
)
LYING: Final[dict[FallWay, Pose]] = {
    FallWay.FORWARD: _PRONE,
    FallWay.BACKWARD: _SUPINE,
    FallWay.LEFT: _ON_LEFT_SIDE,
    FallWay.RIGHT: _ON_RIGHT_SIDE,
}
RISING: Final = (_ON_THE_ELBOWS, _ON_THE_GROUND, *CROUCHING)
"""What lies between lying and standing, in the order of getting up; lying down on purpose goes back through it."""


def gait(step: int, briskness: float) -> Pose:
    """Walking, at one of `GAIT_STEPS` instants of a double step. Briskness (about 1) lengthens swings."""
    phase = 2 * pi * step / GAIT_STEPS
    swing, lift = 0.42 * briskness * sin(phase), cos(phase)
    return Pose(
        pitch=0.04,
        spine=0.03,
        planted=0.0,
        left_leg=Limb(-swing, 0.03, 0.08 + 0.85 * max(0.0, -lift)),
        right_leg=Limb(swing, 0.03, 0.08 + 0.85 * max(0.0, lift)),
        left_arm=Limb(0.85 * swing, 0.12, 0.3 + 0.2 * max(0.0, swing)),
        right_arm=Limb(-0.85 * swing, 0.12, 0.3 + 0.2 * max(0.0, -swing)),
    )


def posture_of(joints: Points) -> Posture:
    """The posture that a skeleton shows: by the tilt of its trunk and how low its pelvis and head are.

    Sitting, crouching and stooping are `BENT`; `LYING` is a trunk near the ground and more level than upright.
    """
    trunk = joints[Joint.NECK] - joints[Joint.PELVIS]
    level = abs(float(trunk[1])) < float(trunk[0] ** 2 + trunk[2] ** 2) ** 0.5
    if level and joints[Joint.NECK, 1] < _LYING_NECK_M:
        return Posture.LYING
    upright = trunk[1] > _UPRIGHT_TRUNK_M and joints[Joint.PELVIS, 1] > _UPRIGHT_PELVIS_M
    return Posture.UPRIGHT if upright else Posture.BENT


_LYING_NECK_M: Final = 0.55
_UPRIGHT_TRUNK_M: Final = 0.42
_UPRIGHT_PELVIS_M: Final = 0.7
