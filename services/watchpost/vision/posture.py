"""How a person holds the body, read from keypoints where there are some and from the box's shape where not."""

from __future__ import annotations

from dataclasses import dataclass
from math import atan2, degrees, hypot

from watchpost.contracts.records import Posture
from watchpost.vision.geometry import PixelBox

__all__ = ["Keypoint", "Pose", "PostureRules", "posture_of", "torso_degrees"]

_SHOULDERS, _HIPS, _KNEES, _ANKLES = (5, 6), (11, 12), (13, 14), (15, 16)


@dataclass(frozen=True, slots=True)
class Keypoint:
    """A joint in pixels of the picture, and how sure the model was (0 to 1)."""

    x: float
    y: float
    score: float


@dataclass(frozen=True, slots=True)
class Pose:
    """One person's 17 keypoints in COCO's order, with the model's own box and score."""

    keypoints: tuple[Keypoint, ...]
    box: PixelBox
    score: float


@dataclass(frozen=True, slots=True)
class PostureRules:
    """Where one posture ends and the next begins.

    Args:
        lying_degrees: a torso at least this far from the vertical lies.
        upright_degrees: a torso at most this far from the vertical stands or sits.
        wide: a box at least this many times wider than high lies, unless the torso is upright.
        flat: a box at most this share of the usual height lies as well, unless the torso is upright: a squat is 0.5.
        body_width: but no box lies by its shape that is narrower than this share of the usual height: it is a head and
            shoulders (0.3) above a desk ...
        cut_width: ... or, where the lower edge of the picture cuts the box, this share: somebody leaves through it.
        very_wide: a flat box this many times wider than high lies whatever the keypoints say.
        keypoint_score: joints seen less surely than this say nothing.
        torso_length: nor does a torso shorter than this share of the usual height: it is seen end-on or guessed.
        standing_legs: hips at least this share of the usual height above the ankles (half of it above the knees) stand
            on legs: whoever bends to the floor has a level torso too.
        slim: a box at most this share of its height wide, with an upright torso above stretched legs, stands, however
            much taller this person was before: they went away from the camera, or it was somebody else.
        stretched_legs: hips at least this share of the box's height above the ankles.

    """

    lying_degrees: float = 50.0
    upright_degrees: float = 40.0
    wide: float = 1.2
    flat: float = 0.45
    body_width: float = 0.38
    cut_width: float = 0.45
    very_wide: float = 1.5
    keypoint_score: float = 0.2
    torso_length: float = 0.12
    standing_legs: float = 0.30
    slim: float = 0.5
    stretched_legs: float = 0.38


def torso_degrees(pose: Pose, rules: PostureRules, usual_height_px: float) -> float | None:
    """The angle between the torso (hips to shoulders) and straight up: 0 stands, 90 lies, 180 is upside down.

    None where shoulders or hips are not seen surely enough.
    """
    shoulders = _middle(pose, _SHOULDERS, rules.keypoint_score)
    hips = _middle(pose, _HIPS, rules.keypoint_score)
    if shoulders is None or hips is None:
        return None
    across, up = shoulders[0] - hips[0], hips[1] - shoulders[1]
    if hypot(across, up) < rules.torso_length * usual_height_px:
        return None
    return degrees(atan2(abs(across), up))


def posture_of(
    box: PixelBox, pose: Pose | None, rules: PostureRules, *, low: bool, cut: bool, usual_height_px: float
) -> tuple[Posture, float]:
    """The posture and how sure it is (0 to 1).

    Args:
        box: the person, in pixels of the picture.
        pose: keypoints, where there are some.
        rules: where one posture ends and the next begins.
        low: the head is far below where this person's head usually is.
        cut: the box ends at the picture's lower edge.
        usual_height_px: how high this person's box is when they stand.

    """
    if cut and low and box.width < rules.cut_width * usual_height_px:
        return Posture.BENT, 0.5
    torso = None if pose is None else torso_degrees(pose, rules, usual_height_px)
    broad = box.width >= rules.body_width * usual_height_px
    wide = broad and box.width >= rules.wide * box.height
    flat = broad and low and box.height <= rules.flat * usual_height_px
    if flat and box.width >= rules.very_wide * box.height:
        return Posture.LYING, 0.7
    if pose is not None and torso is not None and _stands_tall(box, pose, torso, rules):
        return Posture.UPRIGHT, 0.8
    if pose is not None and _stands_on_legs(pose, rules, usual_height_px):
        return (Posture.BENT if low or wide else Posture.UPRIGHT), 0.8
    if torso is not None and torso >= rules.lying_degrees and (low or wide):
        return Posture.LYING, min(1.0, 0.5 + torso / 180)
    if (wide or flat) and (torso is None or torso > rules.upright_degrees):
        return Posture.LYING, 0.6
    if low or wide:
        return Posture.BENT, 0.5 if torso is None else 0.8
    return Posture.UPRIGHT, 0.8


def _stands_tall(box: PixelBox, pose: Pose, torso: float, rules: PostureRules) -> bool:
    hips = _middle(pose, _HIPS, rules.keypoint_score)
    ankles = _middle(pose, _ANKLES, rules.keypoint_score)
    if hips is None or ankles is None or torso > rules.upright_degrees or box.width > rules.slim * box.height:
        return False
    return ankles[1] - hips[1] >= rules.stretched_legs * box.height


def _stands_on_legs(pose: Pose, rules: PostureRules, usual_height_px: float) -> bool:
    hips = _middle(pose, _HIPS, rules.keypoint_score)
    if hips is None:
        return False
    for joints, share in ((_ANKLES, rules.standing_legs), (_KNEES, rules.standing_legs / 2)):
        below = _middle(pose, joints, rules.keypoint_score)
        if below is not None:
            return below[1] - hips[1] >= share * usual_height_px
    return False


def _middle(pose: Pose, joints: tuple[int, int], least_score: float) -> tuple[float, float] | None:
    seen = [pose.keypoints[joint] for joint in joints if pose.keypoints[joint].score >= least_score]
    if not seen:
        return None
    return sum(point.x for point in seen) / len(seen), sum(point.y for point in seen) / len(seen)
