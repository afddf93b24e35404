"""The simulated street: the same from a seed, and telling the truth about what it draws."""

from dataclasses import fields
from itertools import islice

import numpy as np
import pytest

from watchpost.contracts.records import Posture
from watchpost.errors import ConfigError
from watchpost.simulation import Scene, SimFrame, TruePerson

_SMALL = "size=320x180"


def _person(scene: Scene, person_id: int, time_s: float) -> TruePerson | None:
    return next((person for person in scene.truth(time_s).people if person.person_id == person_id), None)


def _postures(scene: Scene, step_s: float = 0.1) -> dict[int, list[Posture]]:
    """Each person's postures over the scene, in order."""
    assert scene.spec.seconds is not None
    seen: dict[int, list[Posture]] = {}
    for time_s in np.arange(0.0, scene.spec.seconds, step_s):
        for person in scene.truth(float(time_s)).people:
            seen.setdefault(person.person_id, []).append(person.posture)
    return seen


def test_same_seed_draws_the_same_frames() -> None:
    first, second = (Scene.from_uri(f"sim:street?seed=5&{_SMALL}") for _ in range(2))

    for one, other in islice(zip(first.frames(), second.frames(), strict=True), 4):
        assert np.array_equal(one.bgr, other.bgr)


def test_another_seed_draws_another_scene() -> None:
    frames = [next(Scene.from_uri(f"sim:street?seed={seed}&{_SMALL}").frames()).bgr for seed in (1, 2)]

    assert np.abs(frames[0].astype(int) - frames[1].astype(int)).mean() > 10


def test_frame_is_the_same_whether_reached_in_order_or_at_once() -> None:
    in_order = list(islice(Scene.from_uri(f"sim:room?seed=2&people=2&{_SMALL}").frames(), 13))[-1]
    at_once = next(Scene.from_uri(f"sim:room?seed=2&people=2&{_SMALL}").frames(start_s=1.2))

    assert (at_once.index, at_once.time_s) == (12, 1.2)
    assert np.array_equal(in_order.bgr, at_once.bgr)


def test_finite_scene_has_as_many_frames_as_its_time() -> None:
    assert sum(1 for _ in Scene.from_uri(f"sim:street?people=1&seconds=1.5&fps=8&{_SMALL}").frames()) == 12


def test_frame_carries_no_truth() -> None:
    assert {field.name for field in fields(SimFrame)} == {"index", "time_s", "bgr"}


@pytest.mark.parametrize("seed", range(6))
def test_fall_is_quick_and_the_truth_follows_it(seed: int) -> None:
    scene = Scene.from_uri(f"sim:street?seed={seed}&people=3&falls=2&seconds=60")

    assert len(scene.falls) == 2
    for fall in scene.falls:
        assert 0.5 <= fall.lying_from_s - fall.start_s <= 1.0
        assert fall.end_s - fall.lying_from_s >= 4.0
        before, lying = (_person(scene, fall.person_id, at) for at in (fall.start_s - 0.05, fall.lying_from_s + 0.05))
        assert before is not None
        assert lying is not None
        assert (before.posture, lying.posture) == (Posture.UPRIGHT, Posture.LYING)
        assert lying.box.height < 0.7 * before.box.height


def test_falls_until_a_moment_are_the_beginning_of_all() -> None:
    scene = Scene.from_uri("sim:street?seed=4&people=4&falls=4&seconds=60")

    assert scene.falls_until(scene.falls[2].start_s) == scene.falls[:2]


def test_endless_scene_goes_on_falling_at_its_rate_and_never_stands_empty() -> None:
    scene = Scene.from_uri("sim:street?seed=1&people=4&falls=2")

    assert len(scene.falls_until(600.0)) == pytest.approx(20, abs=2)
    present = [len(scene.truth(float(time_s)).people) for time_s in range(0, 600, 7)]
    assert np.mean(present) > 3
    assert min(present) >= 1
    with pytest.raises(ConfigError, match="falls_until"):
        _ = scene.falls


def test_endless_scene_brings_new_people() -> None:
    scene = Scene.from_uri("sim:street?seed=1&people=2")

    early, late = ({person.person_id for person in scene.truth(at).people} for at in (30.0, 3600.0))
    assert early
    assert late
    assert not early & late


@pytest.mark.parametrize("seed", range(4))
def test_nobody_appears_or_vanishes_inside_the_picture(seed: int) -> None:
    scene = Scene.from_uri(f"sim:street?seed={seed}&people=3&falls=1&sitting=1&crouching=1&lying_down=1")
    before: dict[int, TruePerson] = {}
    for time_s in np.arange(0.0, 120.0, 0.2):
        now = {person.person_id: person for person in scene.truth(float(time_s)).people}
        for changed in (before.keys() ^ now.keys()) if time_s else ():
            box = (before.get(changed) or now[changed]).box
            assert box.x0 < 0.07 or box.x1 > 0.93, f"person {changed} at {time_s:.1f} s"
        before = now


def test_people_who_only_walk_are_always_upright() -> None:
    postures = _postures(Scene.from_uri("sim:street?seed=2&people=4&seconds=60"), step_s=0.25)

    assert {posture for seen in postures.values() for posture in seen} == {Posture.UPRIGHT}


@pytest.mark.parametrize("activity", ["sitting", "crouching"])
def test_who_sits_or_crouches_is_bent_and_never_lies(activity: str) -> None:
    postures = _postures(Scene.from_uri(f"sim:room?seed=3&people=1&{activity}=1&seconds=30"))

    (seen,) = postures.values()
    assert seen.count(Posture.BENT) >= 20
    assert Posture.LYING not in seen


def test_who_lies_down_on_purpose_takes_seconds_and_is_no_fall() -> None:
    scene = Scene.from_uri("sim:room?seed=3&people=1&lying_down=1&seconds=30")

    (seen,) = _postures(scene).values()
    bent_s = 0.1 * sum(posture is Posture.BENT for posture in seen[: seen.index(Posture.LYING)])
    assert bent_s > 1.5
    assert scene.falls == ()


@pytest.mark.parametrize("seed", range(3))
def test_upright_people_are_as_tall_as_promised(seed: int) -> None:
    scene = Scene.from_uri(f"sim:street?seed={seed}&people=4&seconds=60")
    heights_px = [
        person.box.height * 540
        for time_s in range(60)
        for person in scene.truth(float(time_s)).people
        if person.posture is Posture.UPRIGHT
    ]

    assert min(heights_px) > 80
    assert max(heights_px) < 270


def test_boxes_hold_what_is_drawn() -> None:
    scene = Scene.from_uri("sim:room?seed=6&people=1&falls=1&seconds=20")
    empty = Scene.from_uri("sim:room?seed=6&people=0&seconds=20")

    for time_s in np.arange(1.0, 19.0, 3.0):
        index = scene.index_at(float(time_s))
        drawn = np.abs(scene.frame(index).bgr.astype(int) - empty.frame(index).bgr.astype(int)).max(axis=2) > 60
        (person,) = scene.truth(index / scene.spec.fps).people
        box = person.box.to_pixels(960, 540)
        inside = drawn[round(box.y0) - 2 : round(box.y1) + 3, round(box.x0) - 2 : round(box.x1) + 3]
        assert inside.mean() > 0.1
        assert drawn.sum() - inside.sum() < 0.1 * inside.sum(), "more than the shadow lies outside the box"
