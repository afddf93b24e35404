"""How a person holds the body: what keypoints say, and what the box says where they say nothing."""

import pytest

from watchpost.contracts.records import Posture
from watchpost.vision.geometry import PixelBox
from watchpost.vision.posture import Keypoint, Pose, PostureRules, posture_of, torso_degrees

_RULES = PostureRules()
_USUAL_PX = 200.0


def _pose(
    shoulders: tuple[float, float],
    hips: tuple[float, float],
    ankles: tuple[float, float] | None = None,
    score: float = 0.8,
) -> Pose:
    points = {5: shoulders, 6: shoulders, 11: hips, 12: hips}
    if ankles is not None:
        points |= {15: ankles, 16: ankles}
    joints = tuple(Keypoint(*points[joint], score) if joint in points else Keypoint(0, 0, 0) for joint in range(17))
    return Pose(joints, PixelBox(0, 0, 200, 200), score)


@pytest.mark.parametrize(
    ("shoulders", "hips", "degrees"),
    [
        ((100, 50), (100, 110), 0),
        ((40, 100), (100, 100), 90),
        ((160, 100), (100, 100), 90),
        ((100, 150), (100, 90), 180),
        ((60, 60), (100, 100), 45),
    ],
)
def test_torso_angle_is_taken_from_straight_up(
    shoulders: tuple[float, float], hips: tuple[float, float], degrees: float
) -> None:
    assert torso_degrees(_pose(shoulders, hips), _RULES, _USUAL_PX) == pytest.approx(degrees)


def test_torso_of_few_pixels_has_no_angle() -> None:
    assert torso_degrees(_pose((100, 100), (110, 100)), _RULES, _USUAL_PX) is None


def test_torso_that_is_hardly_seen_has_no_angle() -> None:
    assert torso_degrees(_pose((40, 100), (100, 100), score=0.1), _RULES, _USUAL_PX) is None


@pytest.mark.parametrize(
    ("box", "low", "pose", "posture"),
    [
        (PixelBox(0, 0, 80, 200), False, None, Posture.UPRIGHT),
        (PixelBox(0, 0, 200, 70), True, None, Posture.LYING),
        (PixelBox(0, 0, 80, 85), True, None, Posture.LYING),
        (PixelBox(0, 0, 80, 120), True, None, Posture.BENT),
        (PixelBox(0, 0, 100, 120), True, _pose((20, 80), (80, 80)), Posture.LYING),
        (PixelBox(0, 0, 80, 130), True, _pose((50, 100), (50, 40)), Posture.LYING),
        (PixelBox(0, 0, 110, 120), True, _pose((20, 30), (80, 40), ankles=(80, 115)), Posture.BENT),
        (PixelBox(0, 0, 120, 95), True, _pose((60, 20), (60, 70)), Posture.BENT),
        (PixelBox(0, 0, 80, 200), False, _pose((60, 20), (60, 90), ankles=(60, 190)), Posture.UPRIGHT),
        (PixelBox(0, 0, 130, 80), True, _pose((60, 20), (60, 70)), Posture.LYING),
        (PixelBox(0, 0, 60, 50), True, None, Posture.BENT),
        (PixelBox(0, 0, 45, 120), True, _pose((22, 25), (22, 60), ankles=(22, 115)), Posture.UPRIGHT),
    ],
    ids=[
        "a tall box stands",
        "a flat wide box lies",
        "a flat square box lies",
        "a shortened box is bent",
        "a level torso lies",
        "a torso upside down lies",
        "a level torso on legs is bent",
        "a wide box with an upright torso is bent",
        "standing legs stand",
        "a flat and very wide box lies whatever the keypoints say",
        "a head above a desk does not lie",
        "who went away from the camera stands all the same",
    ],
)
def test_posture(box: PixelBox, low: bool, pose: Pose | None, posture: Posture) -> None:  # noqa: FBT001 a parameter of the table above
    assert posture_of(box, pose, _RULES, low=low, cut=False, usual_height_px=_USUAL_PX)[0] is posture


def test_shoulders_that_leave_through_the_lower_edge_do_not_lie() -> None:
    box, tilted = PixelBox(0, 200, 85, 240), _pose((20, 220), (80, 230))

    leaving, _ = posture_of(box, tilted, _RULES, low=True, cut=True, usual_height_px=_USUAL_PX)
    fallen, _ = posture_of(box, tilted, _RULES, low=True, cut=False, usual_height_px=_USUAL_PX)

    assert (leaving, fallen) == (Posture.BENT, Posture.LYING)
