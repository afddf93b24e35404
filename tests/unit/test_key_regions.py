"""Key regions from the decoded picture to the count: who is too small for the whole picture is found there, once."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from av import VideoFrame

from tests.fakes.specs import camera_spec
from watchpost.clock import SystemClock
from watchpost.contracts.camera_parts import KeyRegion, Mask
from watchpost.contracts.records import CameraSpec, CaptureReason, FrameCaptured, SiteId, SourceSize
from watchpost.errors import FrameGoneError
from watchpost.frames import FrameStore
from watchpost.inference.analyzer import LoadedFrame
from watchpost.inference.detector import Found
from watchpost.inference.frame_pixels import load_pixels
from watchpost.inference.region_finds import together
from watchpost.inference.yolox import YoloxAnalyzer
from watchpost.ingest.pictures import View
from watchpost.ingest.publishing import Capture, FramePublisher
from watchpost.ingest.seeing import cuts_of
from watchpost.settings import FrameSettings
from watchpost.simulation import Scene
from watchpost.vision.geometry import FractionBox, FractionPoint, PixelBox

Pixels = npt.NDArray[np.uint8]

WIDTH, HEIGHT = 1920, 1080
GATE = KeyRegion("gate", FractionBox(0.4, 0.4, 0.7, 0.7), 720)
FAR_PX, NEAR_PX = 42, 84
AT = (1000, 560)


@pytest.fixture(scope="module")
def person() -> Pixels:
    """A rendered person with some of the street behind."""
    scene = Scene.from_uri(f"sim:street?seed=4&people=1&seconds=30&fps=1&size={WIDTH}x{HEIGHT}")
    for frame in scene.frames():
        people = scene.truth(frame.time_s).people
        if len(people) == 1 and people[0].box.height > 0.25 and 0.2 < people[0].box.center[0] < 0.8:
            box = people[0].box.to_pixels(WIDTH, HEIGHT)
            margin = 0.25 * box.width
            return frame.bgr[
                int(box.y0 - margin) : int(box.y1 + margin), int(box.x0 - margin) : int(box.x1 + margin)
            ].copy()
    raise AssertionError("nobody came close enough")


@pytest.fixture(scope="module")
def street() -> Pixels:
    return next(Scene.from_uri(f"sim:street?seed=4&people=0&seconds=1&fps=1&size={WIDTH}x{HEIGHT}").frames()).bgr


@pytest.fixture
def store(tmp_path: Path) -> FrameStore:
    return FrameStore(FrameSettings(url=f"file://{tmp_path}", keep_s=3600), SystemClock())


def with_person(street: Pixels, person: Pixels, height_px: int, at: tuple[int, int] = AT) -> Pixels:
    scale = height_px / person.shape[0] * 1.1  # the cut has a margin
    small = cv2.resize(person, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    picture = street.copy()
    picture[at[1] : at[1] + small.shape[0], at[0] : at[0] + small.shape[1]] = small
    return picture


def published(picture: Pixels, spec: CameraSpec, store: FrameStore) -> FrameCaptured:
    """The record that ingest publishes of this picture."""
    image = VideoFrame.from_ndarray(picture, format="bgr24")
    view = View(WIDTH, HEIGHT, 0, SourceSize(WIDTH, HEIGHT))
    cut, regions = cuts_of(image, view, spec)
    sent: list[FrameCaptured] = []
    publisher = FramePublisher(SiteId("shop"), "s", store, sent.append, timedelta(seconds=5))
    assert publisher.publish(spec, Capture(cut, view, 1_000_000, 0.0, (), CaptureReason.INTERVAL, regions), 0)
    return sent[0]


def seen_in(frame: LoadedFrame, analyzer: YoloxAnalyzer) -> tuple[int, list[FractionBox]]:
    (seen,) = analyzer.analyze([frame])
    return seen.person_count, [one.box for one in seen.objects]


def test_far_person_whom_the_whole_picture_misses_is_found_in_the_region(
    street: Pixels, person: Pixels, store: FrameStore, fresh_analyzer: Callable[[], YoloxAnalyzer]
) -> None:
    picture = with_person(street, person, FAR_PX)
    without, having = (camera_spec(height_px=360, regions=regions) for regions in ((), (GATE,)))

    missed = seen_in(load_pixels(store, published(picture, without, store)), fresh_analyzer())
    count, boxes = seen_in(load_pixels(store, published(picture, having, store)), fresh_analyzer())

    assert missed == (0, [])
    assert count == 1
    assert boxes[0].center == pytest.approx(((AT[0] + 15) / WIDTH, (AT[1] + 23) / HEIGHT), abs=0.01)


def test_person_whom_both_show_is_counted_once(
    street: Pixels, person: Pixels, store: FrameStore, fresh_analyzer: Callable[[], YoloxAnalyzer]
) -> None:
    picture = with_person(street, person, NEAR_PX)
    overlapping = replace(GATE, name="kerb", box=FractionBox(0.45, 0.3, 0.8, 0.8))
    spec = camera_spec(height_px=360, regions=(GATE, overlapping))

    whole = seen_in(load_pixels(store, published(picture, camera_spec(height_px=360), store)), fresh_analyzer())
    both = seen_in(load_pixels(store, published(picture, spec, store)), fresh_analyzer())

    assert whole[0] == both[0] == len(both[1]) == 1
    assert both[1][0].intersection_over_union(whole[1][0]) > 0.5


def test_person_cut_by_the_regions_edge_is_left_to_the_whole_picture(
    street: Pixels, person: Pixels, store: FrameStore, fresh_analyzer: Callable[[], YoloxAnalyzer]
) -> None:
    # two thirds of the body are in the region
    edge = (AT[1] + FAR_PX * 2 / 3) / HEIGHT
    spec = camera_spec(height_px=360, regions=(replace(GATE, box=FractionBox(0.4, 0.3, 0.7, edge)),))

    seen = seen_in(load_pixels(store, published(with_person(street, person, FAR_PX), spec, store)), fresh_analyzer())

    assert seen == (0, [])


def test_boxes_are_fractions_of_the_full_frame_where_a_part_is_looked_at(
    street: Pixels, person: Pixels, store: FrameStore, fresh_analyzer: Callable[[], YoloxAnalyzer]
) -> None:
    picture = with_person(street, person, NEAR_PX)
    roi = FractionBox(0.25, 0.4, 1, 0.9)
    specs = [
        camera_spec(height_px=720),
        camera_spec(height_px=720, roi=roi),
        camera_spec(height_px=360, roi=roi, regions=(GATE,)),
    ]

    boxes = [seen_in(load_pixels(store, published(picture, spec, store)), fresh_analyzer())[1] for spec in specs]

    assert [len(one) for one in boxes] == [1, 1, 1]
    assert all(one[0].intersection_over_union(boxes[0][0]) > 0.5 for one in boxes)


def test_person_in_a_region_outside_of_the_roi_is_nobodys(
    street: Pixels, person: Pixels, store: FrameStore, fresh_analyzer: Callable[[], YoloxAnalyzer]
) -> None:
    picture = with_person(street, person, NEAR_PX)
    spec = camera_spec(roi=FractionBox(0, 0.7, 1, 1), regions=(GATE,))

    assert seen_in(load_pixels(store, published(picture, spec, store)), fresh_analyzer()) == (0, [])


def test_region_travels_by_claim_check_at_its_own_height_without_what_masks_hide(
    street: Pixels, person: Pixels, store: FrameStore
) -> None:
    hidden = Mask("hidden", tuple(FractionPoint(x, y) for x, y in ((0.4, 0.4), (0.55, 0.4), (0.55, 0.7), (0.4, 0.7))))
    spec = camera_spec(height_px=360, regions=(GATE,), masks=(hidden,))

    record = published(with_person(street, person, NEAR_PX), spec, store)
    (region,) = load_pixels(store, record).regions

    assert (record.image.height, record.regions[0].image.height) == (360, 324)  # never enlarged
    assert region.name == "gate"
    assert (region.box.x0, region.box.x1) == pytest.approx((0.4, 0.7))
    assert record.regions[0].image.kept_until >= record.image.kept_until
    width_px = region.bgr.shape[1]
    assert region.bgr[:, : width_px // 2 - 2].max() <= 2
    assert region.bgr[:, width_px // 2 + 4 :].min(axis=(0, 1)).max() > 2


def test_frame_of_which_a_region_is_gone_is_gone(street: Pixels, store: FrameStore, tmp_path: Path) -> None:
    record = published(street, camera_spec(height_px=360, regions=(GATE,)), store)
    (tmp_path / record.regions[0].image.uri.removeprefix(f"file://{tmp_path}/")).unlink()

    with pytest.raises(FrameGoneError):
        load_pixels(store, record)


def found(x0: float, y0: float, x1: float, y1: float, score: float = 0.8) -> Found:
    return Found("person", PixelBox(x0, y0, x1, y1), score)


def test_two_people_in_a_region_whom_the_picture_took_for_one_stay_two() -> None:
    one, left, right = found(0, 0, 40, 60, 0.5), found(0, 0, 22, 60, 0.7), found(20, 0, 42, 60, 0.6)

    assert together([one], [left, right]) == [left, right]


def test_far_person_before_a_near_one_stays_apart() -> None:
    near, far = found(0, 0, 100, 300), found(30, 40, 50, 90)

    assert together([near], [far]) == [near, far]


def test_rough_box_of_somebody_small_is_the_same_person() -> None:
    rough, exact = found(10, 10, 22, 40, 0.3), found(13, 14, 20, 38, 0.8)

    assert together([rough], [exact]) == [exact]
    assert together([exact], [rough]) == [exact]
