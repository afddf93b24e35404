"""Analysed frames that go up where bandwidth is not saved: how often, under which names, and how large."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from tests.fakes.observations import CAMERA, RULES, SITE, acted, folded
from tests.fakes.specs import assignment
from watchpost.clock import SystemClock
from watchpost.contracts import encode
from watchpost.contracts.records import CaptureReason, SkipReason, ThumbnailReason
from watchpost.events.logic import Outputs, ThumbnailRequest
from watchpost.events.thumbnails import Thumbnails
from watchpost.frames import FrameStore
from watchpost.settings import FrameSettings

_TOPIC_LIMIT_BYTES = 900_000
_EVERYTHING = assignment(bandwidth_saving=False, thumbnail_interval_s=0)


def _sampled(outputs: list[Outputs]) -> list[int]:
    """The numbers of the frames that were sampled."""
    return [
        number
        for number, given in enumerate(outputs)
        for one in given.thumbnails
        if one.reason is ThumbnailReason.SAMPLED
    ]


def test_analysed_frames_are_sampled_at_most_once_a_second() -> None:
    _, outputs = folded(acted("u" * 20, fps=5, asked=_EVERYTHING))

    assert _sampled(outputs) == [0, 5, 10, 15]


def test_every_analysed_frame_is_sampled_where_they_come_more_slowly() -> None:
    _, outputs = folded(acted("u" * 4, fps=0.5, asked=_EVERYTHING))

    assert _sampled(outputs) == [0, 1, 2, 3]


def test_frame_that_was_not_analysed_in_its_turn_is_not_sampled() -> None:
    frames = acted("uu", fps=1, asked=_EVERYTHING)
    unseen = [
        replace(frames[0], skipped=SkipReason.OVERLOAD),
        replace(frames[1], reason=CaptureReason.BURST),
    ]

    _, outputs = folded(unseen)

    assert not _sampled(outputs)


def test_saving_bandwidth_samples_nothing() -> None:
    _, outputs = folded(acted("u" * 20, asked=assignment()))

    assert not _sampled(outputs)


def test_interval_event_and_sample_of_one_frame_are_three_pictures_of_which_the_events_comes_first() -> None:
    confirmed_at = 18
    asked = assignment(bandwidth_saving=False, thumbnail_interval_s=confirmed_at / 5)
    rules = replace(RULES, full_every_s=confirmed_at / 5)

    _, outputs = folded(acted("u" * 15 + "l" * 15, asked=asked), rules)

    requests = outputs[confirmed_at].thumbnails
    assert [one.reason for one in requests] == [
        ThumbnailReason.EVENT,
        ThumbnailReason.INTERVAL,
        ThumbnailReason.SAMPLED,
    ]
    assert len({one.thumbnail_id for one in requests}) == 3
    assert [one.event_id is None for one in requests] == [False, True, True]


@pytest.fixture
def store(tmp_path: Path) -> FrameStore:
    return FrameStore(FrameSettings(url=f"file://{tmp_path}"), SystemClock())


def _request(store: FrameStore, bgr: npt.NDArray[np.uint8], width_px: int | None) -> ThumbnailRequest:
    i420 = np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2YUV_I420), np.uint8)
    (frame,) = acted("u")
    image = store.put("door", "frame-0", i420)
    return ThumbnailRequest("t", "frame-0", image, None, ThumbnailReason.SAMPLED, frame.captured_at, width_px)


@pytest.mark.parametrize(
    ("asked_px", "size_px"), [(1280, (1280, 720)), (640, (640, 360)), (4000, (1280, 720)), (None, (320, 180))]
)
def test_picture_is_as_wide_as_was_asked_for_never_wider_than_its_frame_and_small_otherwise(
    store: FrameStore, asked_px: int | None, size_px: tuple[int, int]
) -> None:
    request = _request(store, np.full((720, 1280, 3), 90, np.uint8), asked_px)

    taken = Thumbnails(store, SITE, width_px=320, quality=70).cut(request, CAMERA)

    assert taken is not None
    assert (taken.width, taken.height) == size_px
    shown = cv2.imdecode(np.frombuffer(taken.jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert shown is not None
    assert shown.shape == (size_px[1], size_px[0], 3)


def test_sample_that_no_record_would_hold_is_made_narrower_until_one_does(store: FrameStore) -> None:
    noise = np.random.default_rng(7).integers(0, 255, (1080, 1920, 3), np.uint8)
    request = _request(store, noise, 1920)
    thumbnails = Thumbnails(store, SITE, width_px=320, quality=95)

    taken = thumbnails.cut(request, CAMERA)

    assert taken is not None
    assert len(encode(taken)) < _TOPIC_LIMIT_BYTES
    assert 640 < taken.width < 1920
    assert taken.height == round(taken.width * 1080 / 1920)
    assert thumbnails.cut(request, CAMERA) == taken, "a replay cuts the same bytes"
