"""A lens that is covered or painted, and a camera that is turned away, are told; night, infrared and people are not."""

from collections.abc import Callable
from functools import cache

import cv2
import numpy as np
import pytest
from av import VideoFrame

from tests.fakes.lighting import Luma, Pixels, black, by_day, by_infrared, in_the_dark, noisy
from tests.fakes.specs import camera_spec
from watchpost.contracts.camera_parts import Mask
from watchpost.contracts.records import SourceSize
from watchpost.ingest.obscured import ObscuredTurn, ObscuredWatch, SceneLook
from watchpost.ingest.pictures import View
from watchpost.ingest.seeing import scene_of
from watchpost.simulation import Scene
from watchpost.vision.geometry import FractionPoint
from watchpost.vision.scene_edges import edges_of, kept_edges

PLACES = ("street", "room", "shop")
AT_S = 75
Sight = Callable[[Pixels, float], Luma]


@cache
def empty(place: str) -> Pixels:
    return next(Scene.from_uri(f"sim:{place}?seed=3&people=0&seconds=1&fps=1&size=640x360").frames()).bgr


def turns(place: str, view: Sight, seconds: int = 60, *, back: int = 0) -> list[ObscuredTurn]:
    """What is told of a camera that sees a place by day, then `view` of it (its seconds so far), then the day again."""
    watch, picture, told = ObscuredWatch(), empty(place), []
    for at_s in range(AT_S + seconds + back):
        is_other = AT_S <= at_s < AT_S + seconds
        luma = noisy(view(picture, at_s - AT_S) if is_other else by_day(picture), 4, at_s)
        told.append(watch.look(SceneLook(edges_of(luma), float(luma.mean())), at_s * 1_000_000))
    return [turn for turn in told if turn is not None]


def painted(picture: Pixels, _: float) -> Luma:
    return cv2.GaussianBlur(by_day(picture), (0, 0), 40).astype(np.float32) * np.float32(0.25) + 90


def dusk(picture: Pixels, since_s: float) -> Luma:
    return in_the_dark(picture, float(np.exp(-since_s / 120)))


COVERS: dict[str, Sight] = {
    "black": lambda picture, _: black(picture),
    "a hand": lambda picture, _: np.full(picture.shape[:2], 70, np.float32),
    "paint": painted,
    "turned away": lambda picture, _: np.roll(by_day(picture), (60, 230), (0, 1)),
}
NIGHTS: dict[str, Sight] = {
    "infrared": lambda picture, _: by_infrared(picture),
    "lights out": lambda picture, _: in_the_dark(picture, 0.06),
    "nearly all lights out": lambda picture, _: in_the_dark(picture, 0.03),
    "black, then infrared": lambda picture, since_s: black(picture) if since_s < 3 else by_infrared(picture),
}


@pytest.mark.parametrize("place", ["room", "street"])
@pytest.mark.parametrize("cover", COVERS)
def test_obscured_camera_is_told_once_and_its_end_when_the_scene_is_back(place: str, cover: str) -> None:
    begun, ended = turns(place, COVERS[cover], back=30)

    assert (begun.number, begun.obscured, ended.number, ended.obscured) == (1, True, 1, False)
    assert begun.since_us == ended.since_us
    assert AT_S <= begun.since_us / 1e6 <= AT_S + 11
    assert begun.at_us / 1e6 <= AT_S + 30
    assert ended.at_us / 1e6 <= AT_S + 60 + 20
    assert begun.dark == (cover == "black")


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("night", NIGHTS)
def test_night_is_not_told(place: str, night: str) -> None:
    assert turns(place, NIGHTS[night]) == []


def test_scene_that_another_watch_lost_is_told_when_it_is_back_and_not_before() -> None:
    (begun,) = turns("room", COVERS["turned away"])
    watch, told = ObscuredWatch(begun.scene), []
    for at_s in range(60):
        luma = noisy(COVERS["turned away"](empty("room"), 0) if at_s < 40 else by_day(empty("room")), 4, at_s)
        told.append(watch.look(SceneLook(edges_of(luma), float(luma.mean())), begun.at_us + at_s * 1_000_000))

    assert not any(told[:40])
    (ended,) = (turn for turn in told[40:] if turn is not None)
    assert (ended.number, ended.obscured, ended.since_us) == (0, False, begun.since_us)


def test_night_that_falls_until_nothing_is_seen_is_not_told() -> None:
    assert turns("street", dusk, 720) == []


def test_cover_of_ten_seconds_is_not_told() -> None:
    assert turns("room", COVERS["a hand"], 10, back=30) == []


def test_people_before_a_quarter_of_the_picture_are_not_told() -> None:
    def crowd(picture: Pixels, since_s: float) -> Luma:
        luma = by_day(picture)
        luma[100:340, 200 + int(since_s) % 40 : 370 + int(since_s) % 40] = 200
        return luma

    assert turns("street", crowd) == []


def test_camera_that_never_saw_a_scene_tells_nothing() -> None:
    watch = ObscuredWatch()
    told = [
        watch.look(SceneLook(edges_of(noisy(np.full((360, 640), 120, np.float32), 4, at_s)), 120), at_s * 1_000_000)
        for at_s in range(120)
    ]

    assert not any(told)


def test_what_a_mask_hides_and_its_own_edge_are_no_part_of_the_scene() -> None:
    image = VideoFrame(640, 360, "gray")
    image.planes[0].update(np.full((360, 640), 120, np.uint8).tobytes())
    left = Mask("left", tuple(FractionPoint(x, y) for x, y in ((0, 0), (0.5, 0), (0.5, 1), (0, 1))))

    look = scene_of(image, View(640, 360, 0, SourceSize(640, 360)), camera_spec(masks=(left,)))

    rows, columns = look.edges.shape
    assert np.isnan(look.edges[:, : columns // 2]).all()
    assert np.nanmax(look.edges) == 0
    assert np.isfinite(look.edges[:, columns // 2 + 2 :]).all()
    assert (rows, look.brightness) == (24, 120)


def test_edges_are_kept_under_another_contrast_and_gone_in_noise() -> None:
    scene = edges_of(noisy(by_day(empty("street")), 2, 1))

    assert kept_edges(scene, edges_of(noisy(by_day(empty("street")) * np.float32(0.4) + 20, 2, 2))) > 0.95
    assert kept_edges(scene, edges_of(noisy(np.full((360, 640), 120, np.float32), 4, 3))) < 0.6
    assert kept_edges(scene, np.full(scene.shape, np.nan, np.float32)) == 0.5
