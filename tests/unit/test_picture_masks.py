"""No pixel that a mask hides is in anything that is stored or told, however the picture lies and is cut."""

from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from av import VideoFrame
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes.specs import camera_spec
from watchpost.contracts.camera_parts import KeyRegion, Mask
from watchpost.contracts.records import SourceSize
from watchpost.ingest.picture_masks import Plane, seen_pixels
from watchpost.ingest.pictures import View
from watchpost.ingest.seeing import blocks_of, cuts_of
from watchpost.vision.geometry import FractionBox, FractionPoint
from watchpost.vision.motion import MotionWatch
from watchpost.vision.polygons import contains

PUBLIC, SECRET = 60, 235
PUBLIC_CHROMA, SECRET_CHROMA = 110, 230

FRACTIONS = st.floats(0, 1).map(lambda value: round(value, 3))
CORNERS = st.builds(FractionPoint, FRACTIONS, FRACTIONS)
MASKS = st.lists(
    st.builds(Mask, st.just("hidden"), st.lists(CORNERS, min_size=3, max_size=6).map(tuple)), min_size=1, max_size=2
).map(tuple)
EDGES = st.tuples(FRACTIONS, FRACTIONS).filter(lambda ends: abs(ends[0] - ends[1]) > 0.1).map(sorted)
BOXES = st.tuples(EDGES, EDGES).map(lambda sides: FractionBox(sides[0][0], sides[1][0], sides[0][1], sides[1][1]))


@dataclass(frozen=True, slots=True)
class Coding:
    """How a picture lies: its width and height as coded, its turning, its pixels' aspect, and where its chroma is."""

    size: tuple[int, int]
    turns: int = 0
    aspect: Fraction = Fraction(1)
    pixel_format: str = "yuv420p"


@dataclass(frozen=True, slots=True)
class Shot:
    """A picture of which everything that the masks hide is bright and coloured, and all the rest is neither."""

    image: VideoFrame
    view: View


def shown_at(x: float, y: float, turns: int) -> FractionPoint:
    """Where a point of the coded picture, as fractions, lies in the picture as shown."""
    for _ in range(turns):
        x, y = y, 1 - x
    return FractionPoint(x, y)


def is_secret(masks: tuple[Mask, ...], column: int, row: int, size: tuple[int, int], turns: int) -> bool:
    """Whether the middle or a corner of this pixel lies in a mask."""
    places = [(0.5, 0.5), *product((0.001, 0.999), (0.001, 0.999))]
    points = [shown_at((column + right) / size[0], (row + down) / size[1], turns) for right, down in places]
    return any(contains(mask.polygon, point) for mask in masks for point in points)


def shot(masks: tuple[Mask, ...], coded: Coding) -> Shot:
    (width, height), turns, pixel_format = coded.size, coded.turns, coded.pixel_format
    secret = np.array([[is_secret(masks, x, y, coded.size, turns) for x in range(width)] for y in range(height)])
    step_y = 2 if pixel_format == "yuv420p" else 1
    step_x = 1 if pixel_format == "yuv444p" else 2
    rows, columns = -(-height // step_y), -(-width // step_x)
    padded = np.pad(secret, ((0, rows * step_y - height), (0, columns * step_x - width)))
    chroma = padded.reshape(rows, step_y, columns, step_x).any(axis=(1, 3))
    # what shares its chroma with something hidden is hidden as well
    luma = secret | chroma.repeat(step_y, axis=0).repeat(step_x, axis=1)[:height, :width]
    image = VideoFrame(width, height, pixel_format)
    fill(image, 0, np.where(luma, SECRET, PUBLIC))
    fill(image, 1, np.where(chroma, SECRET_CHROMA, PUBLIC_CHROMA))
    fill(image, 2, np.where(chroma, SECRET_CHROMA, PUBLIC_CHROMA))
    shown_width = max(1, round(width * coded.aspect))
    shown = SourceSize(height, shown_width) if turns % 2 else SourceSize(shown_width, height)
    return Shot(image, View(width, height, turns, shown))


def fill(image: VideoFrame, index: int, pixels: np.ndarray[tuple[int, ...], np.dtype[np.int64]]) -> None:
    plane = image.planes[index]
    lines = np.zeros((plane.height, plane.line_size), np.uint8)
    lines[:, : plane.width] = pixels
    plane.update(lines.tobytes()[: plane.buffer_size].ljust(plane.buffer_size, b"\0"))


def check_nothing_is_left(i420: Plane) -> None:
    height = i420.shape[0] * 2 // 3
    assert i420[:height].max() <= PUBLIC
    assert np.abs(i420[height:].astype(int) - 120).max() <= 10  # between the fill's 128 and what is no secret


@given(
    masks=MASKS,
    coded=st.builds(
        Coding,
        size=st.tuples(st.integers(4, 40), st.integers(4, 40)),
        turns=st.integers(0, 3),
        aspect=st.sampled_from([Fraction(1), Fraction(16, 11), Fraction(3, 4)]),
        pixel_format=st.sampled_from(["yuv420p", "yuv422p", "yuv444p"]),
    ),
    roi=st.none() | BOXES,
    region=BOXES,
    height_px=st.integers(2, 60),
)
@settings(max_examples=300, deadline=None)
def test_no_hidden_pixel_is_in_what_is_stored(
    masks: tuple[Mask, ...], coded: Coding, roi: FractionBox | None, region: FractionBox, height_px: int
) -> None:
    taken = shot(masks, coded)
    spec = camera_spec(masks=masks, roi=roi, height_px=height_px, regions=(KeyRegion("gate", region, height_px),))

    picture, regions = cuts_of(taken.image, taken.view, spec)

    check_nothing_is_left(picture.i420)
    check_nothing_is_left(regions[0].picture.i420)


@given(masks=MASKS, turns=st.integers(0, 3), roi=st.none() | BOXES)
@settings(max_examples=100, deadline=None)
def test_no_hidden_pixel_counts_for_motion(masks: tuple[Mask, ...], turns: int, roi: FractionBox | None) -> None:
    taken = shot(masks, Coding((40, 36), turns))
    spec = camera_spec(masks=masks, roi=roi)

    blocks = blocks_of(taken.image, taken.view, spec)

    assert not (blocks > PUBLIC).any()  # NaN is no secret


def test_test_pictures_hold_secrets_where_nothing_is_masked() -> None:
    mask = Mask("hidden", (FractionPoint(0.3, 0.3), FractionPoint(0.8, 0.3), FractionPoint(0.5, 0.8)))
    taken = shot((mask,), Coding((40, 36), 1))

    picture, _ = cuts_of(taken.image, taken.view, camera_spec())

    assert picture.i420[:40].max() == SECRET
    assert blocks_of(taken.image, taken.view, camera_spec()).max() > PUBLIC


@pytest.mark.parametrize("turns", range(4))
def test_mask_hides_little_more_than_was_drawn_and_where_it_was_drawn(turns: int) -> None:
    # the right lower quarter of the picture as shown
    mask = Mask("hidden", tuple(FractionPoint(x, y) for x, y in ((0.5, 0.5), (1, 0.5), (1, 1), (0.5, 1))))

    shown = np.rot90(seen_pixels((mask,), turns, (100, 200), (100, 200)), turns)

    rows, columns = shown.shape
    assert not shown[rows // 2 :, columns // 2 :].any()
    assert shown[: rows // 2 - 4].all()
    assert shown[:, : columns // 2 - 4].all()


def test_mask_that_crosses_itself_hides_what_it_encloses() -> None:
    star = tuple(FractionPoint(x, y) for x, y in ((0.5, 0), (0.8, 1), (0, 0.4), (1, 0.4), (0.2, 1)))

    seen = seen_pixels((Mask("star", star),), 0, (100, 100), (100, 100))

    assert seen[50, 50] == 0
    assert seen[90, 50] == 255


def test_masks_around_a_place_leave_it_seen() -> None:
    edges = ((0, 0, 1, 0.2), (0, 0.8, 1, 1), (0, 0, 0.2, 1), (0.8, 0, 1, 1))
    masks = tuple(
        Mask(str(number), tuple(FractionPoint(x, y) for x, y in ((x0, y0), (x1, y0), (x1, y1), (x0, y1))))
        for number, (x0, y0, x1, y1) in enumerate(edges)
    )

    assert seen_pixels(masks, 0, (100, 100), (100, 100))[50, 50] == 255


def test_motion_of_what_is_hidden_is_none_and_of_the_rest_is_some() -> None:
    watch, spec = MotionWatch(), camera_spec(masks=(left_two_thirds(),))
    view = View(960, 540, 0, SourceSize(960, 540))

    def moves(person_x: int, at_us: int) -> bool:
        random = np.random.default_rng(at_us)
        luma = random.normal(90, 4, (540, 960))
        luma[200:300, person_x : person_x + 40] = 230
        image = VideoFrame(960, 540, "gray")
        image.planes[0].update(luma.clip(0, 255).astype(np.uint8).tobytes())
        return watch.moves(blocks_of(image, view, spec), at_us)

    behind = [moves(50 + 20 * step, 100_000 * step) for step in range(20)]
    before = [moves(700 + 10 * step, 2_000_000 + 100_000 * step) for step in range(10)]

    assert not any(behind)
    assert all(before)


def test_motion_begins_anew_when_a_mask_changes() -> None:
    watch, image = MotionWatch(), VideoFrame(960, 540, "gray")
    image.planes[0].update(np.full((540, 960), 90, np.uint8).tobytes())
    view, bare = View(960, 540, 0, SourceSize(960, 540)), camera_spec()
    masked = replace(bare, masks=(left_two_thirds(),))

    seen = [watch.moves(blocks_of(image, view, spec), at_us) for at_us, spec in enumerate((bare, masked, masked, bare))]

    assert not any(seen)
    assert watch.changed_since_published(blocks_of(image, view, masked)) == (0.0, ())


def left_two_thirds() -> Mask:
    return Mask("left", tuple(FractionPoint(x, y) for x, y in ((0, 0), (0.66, 0), (0.66, 1), (0, 1))))
