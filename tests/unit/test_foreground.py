"""The empty scene: who stands in it stands out, also after a long rest, and a lamp does not."""

import numpy as np
import numpy.typing as npt

from watchpost.vision.foreground import Foreground
from watchpost.vision.geometry import FULL_FRAME, FractionBox

_PLACE = FractionBox(0.4, 0.4, 0.6, 0.8)


def _scene(light: float = 0.0, *, body: bool = False) -> npt.NDArray[np.uint8]:
    rng = np.random.default_rng(1)
    picture = rng.uniform(80, 120, (240, 320, 3)) + light
    if body:
        picture[96:192, 128:192] = 30
    return picture.astype(np.uint8)


def _learnt(frames: int = 20) -> Foreground:
    foreground = Foreground()
    for _ in range(frames):
        foreground.take(_scene())
        foreground.learn([])
    return foreground


def test_body_stands_out_of_the_scene() -> None:
    foreground = _learnt()

    foreground.take(_scene(body=True))

    assert (foreground.share(_PLACE) or 0) > 0.9
    body = foreground.body(FULL_FRAME)
    assert body is not None
    assert body.intersection_over_union(_PLACE) > 0.8


def test_empty_scene_has_no_body() -> None:
    foreground = _learnt()

    foreground.take(_scene())

    assert foreground.share(_PLACE) == 0
    assert foreground.body(FULL_FRAME) is None


def test_body_that_rests_where_a_person_is_followed_never_becomes_background() -> None:
    foreground = _learnt()

    for _ in range(300):
        foreground.take(_scene(body=True))
        foreground.learn([_PLACE])

    assert (foreground.share(_PLACE) or 0) > 0.9


def test_lamp_that_is_lit_is_no_body() -> None:
    foreground = _learnt()

    foreground.take(_scene(light=60))

    assert foreground.share(_PLACE) == 0


def test_picture_that_differs_nearly_everywhere_says_nothing() -> None:
    foreground = _learnt()
    turned = _scene()
    turned[:, ::2][:, :70] = 0
    turned[:, 160:] = 250

    foreground.take(turned)

    assert foreground.share(_PLACE) is None
    assert foreground.body(FULL_FRAME) is None
