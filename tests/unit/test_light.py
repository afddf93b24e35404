"""A switch of the lights or to infrared wakes nobody, and whoever is there then still does."""

from collections.abc import Callable, Iterable
from functools import cache

import numpy as np
import pytest

from tests.fakes.lighting import (
    Luma,
    Pixels,
    black,
    by_day,
    by_infrared,
    by_one_lamp_after_the_other,
    in_the_dark,
    noisy,
)
from watchpost.simulation import Scene
from watchpost.vision.light import STEADY, light_changes
from watchpost.vision.motion import MotionWatch, block_means, block_size_px

SWITCH_S = 4.0
STEP_S = 0.1
Light = Callable[[Pixels, float], Luma]

SWITCHES: dict[str, tuple[Light, Light]] = {
    "to infrared": (lambda bgr, _: by_day(bgr), lambda bgr, _: by_infrared(bgr)),
    "from infrared": (lambda bgr, _: by_infrared(bgr), lambda bgr, _: by_day(bgr)),
    "lights off": (lambda bgr, _: by_day(bgr), lambda bgr, _: in_the_dark(bgr)),
    "lights on": (lambda bgr, _: in_the_dark(bgr), lambda bgr, _: by_day(bgr)),
    "lamp after lamp": (lambda bgr, _: in_the_dark(bgr), by_one_lamp_after_the_other),
    "black between": (
        lambda bgr, _: by_day(bgr),
        lambda bgr, since_s: black(bgr) if since_s < 0.4 else by_infrared(bgr),
    ),
}


@cache
def empty(place: str) -> Pixels:
    return next(Scene.from_uri(f"sim:{place}?seed=3&people=0&seconds=1&fps=1&size=640x360").frames()).bgr


def walker(place: str, at_s: float) -> Pixels:
    """The empty place, and somebody of 70 pixels who crosses it."""
    picture = empty(place).copy()
    left = 40 + int(60 * at_s)
    picture[180:250, left : left + 24] = (60, 60, 210)
    return picture


def moving_at(pictures: Iterable[tuple[float, Luma]]) -> list[float]:
    watch = MotionWatch()
    return [
        at_s
        for at_s, luma in pictures
        if watch.moves(block_means(noisy(luma, 4, round(at_s * 10)), block_size_px(360)), round(at_s * 1_000_000))
    ]


def lit(picture: Pixels, at_s: float, switch: tuple[Light, Light]) -> Luma:
    return switch[0](picture, 0) if at_s < SWITCH_S else switch[1](picture, at_s - SWITCH_S)


@pytest.mark.parametrize("place", ["street", "room", "shop"])
@pytest.mark.parametrize("switch", SWITCHES)
def test_switch_of_light_in_an_empty_place_moves_nothing(place: str, switch: str) -> None:
    times = np.arange(0, 8, STEP_S).tolist()

    assert moving_at((at_s, lit(empty(place), at_s, SWITCHES[switch])) for at_s in times) == []


@pytest.mark.parametrize("switch", ["to infrared", "from infrared", "lights on", "lamp after lamp"])
def test_who_walks_through_a_switch_of_light_moves_again_at_once(switch: str) -> None:
    times = np.arange(0, 8, STEP_S).tolist()

    moved = moving_at((at_s, lit(walker("room", at_s), at_s, SWITCHES[switch])) for at_s in times)

    settled = [at_s for at_s in times if at_s >= SWITCH_S + 1.5]
    assert set(settled) <= set(moved)


def test_who_switches_the_light_on_and_stands_there_moves_as_soon_as_a_step_is_made() -> None:
    def picture(at_s: float) -> Luma:
        person = walker("room", 2.0 if at_s < SWITCH_S + 1 else 2.0 + at_s - SWITCH_S - 1)
        return lit(person, at_s, SWITCHES["lights on"])

    moved = moving_at((at_s, picture(at_s)) for at_s in np.arange(3, 7, STEP_S).tolist())

    assert moved
    assert SWITCH_S + 1 < moved[0] < SWITCH_S + 1.6


def test_camera_that_is_panned_on_and_on_moves_after_some_seconds() -> None:
    wide = np.tile(by_day(empty("street")), (1, 3))
    moved = moving_at((at_s, wide[:, int(200 * at_s) :][:, :640]) for at_s in np.arange(0, 9, STEP_S).tolist())

    assert [at_s for at_s in moved if at_s > 5]


def test_somebody_large_is_no_light() -> None:
    before = np.full((34, 60), 120, np.float32)
    now = before.copy()
    now[:, :33] = 60

    assert light_changes(STEADY, now, before, 0) == (STEADY, False)


def test_dark_blocks_that_stay_dark_say_nothing() -> None:
    before = np.full((34, 60), 18, np.float32)
    before[:5] = 150
    now = np.full((34, 60), 18, np.float32)

    assert light_changes(STEADY, now, before, 0)[1]


def test_hidden_blocks_say_nothing() -> None:
    before = np.full((34, 60), 120, np.float32)
    before[:30] = np.nan
    now = before + 30

    assert light_changes(STEADY, now, before, 0)[1]
    assert not light_changes(STEADY, np.full((34, 60), np.nan, np.float32), before, 0)[1]
