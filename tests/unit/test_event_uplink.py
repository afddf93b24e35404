"""Pictures of frames that ingest marked to go up: once each, whoever looked at them, as wide as the rules say."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from tests.fakes.observations import RULES, acted, folded
from tests.fakes.specs import assignment
from watchpost.contracts.camera_parts import UplinkMode, UplinkReason
from watchpost.contracts.records import CaptureReason, FrameAnalyzed, SkipReason, ThumbnailReason
from watchpost.events.logic import Outputs, ThumbnailRequest, decode_state, encode_state

_QUIET = assignment(thumbnail_interval_s=0)


def _marked(count: int = 1, reason: UplinkReason = UplinkReason.SAMPLED, fps: float = 1) -> list[FrameAnalyzed]:
    return [replace(frame, uplink_reason=reason) for frame in acted("u" * count, fps=fps, asked=_QUIET)]


def _pictures(outputs: Sequence[Outputs]) -> list[ThumbnailRequest]:
    return [one for given in outputs for one in given.thumbnails]


@pytest.mark.parametrize(
    ("marked", "told"),
    [(UplinkReason.SAMPLED, ThumbnailReason.SAMPLED), (UplinkReason.CHANGED, ThumbnailReason.CHANGED)],
)
def test_marked_frame_has_its_picture_with_the_reason_it_was_marked_for(
    marked: UplinkReason, told: ThumbnailReason
) -> None:
    frames = _marked(reason=marked)

    _, outputs = folded(frames)

    (picture,) = _pictures(outputs)
    assert (picture.reason, picture.width_px, picture.frame_id) == (told, RULES.uplink_width_px, frames[0].frame_id)


def test_frame_that_is_not_marked_has_none() -> None:
    _, outputs = folded(acted("uuu", fps=1, asked=replace(_QUIET, uplink=UplinkMode.SAMPLED)))

    assert not _pictures(outputs)


@pytest.mark.parametrize("skipped", [SkipReason.OVERLOAD, SkipReason.EXPIRED, SkipReason.PAIRED])
def test_marked_frame_that_nobody_looked_at_has_its_picture_and_tells_nothing_else(skipped: SkipReason) -> None:
    _, outputs = folded([replace(frame, skipped=skipped) for frame in _marked()])

    assert len(_pictures(outputs)) == 1
    assert not outputs[0].events


@pytest.mark.parametrize("skipped", [SkipReason.FRAME_GONE, SkipReason.FRAME_CORRUPT])
def test_marked_frame_whose_pixels_are_gone_has_none(skipped: SkipReason) -> None:
    _, outputs = folded([replace(frame, skipped=skipped) for frame in _marked()])

    assert not _pictures(outputs)


def test_marked_burst_frame_has_its_picture() -> None:
    _, outputs = folded([replace(frame, reason=CaptureReason.BURST) for frame in _marked()])

    assert len(_pictures(outputs)) == 1


def test_marked_frame_that_is_answered_after_a_newer_one_still_has_its_picture() -> None:
    older, newer = _marked(2)

    _, outputs = folded([replace(newer, skipped=SkipReason.OVERLOAD), older])

    assert [one.frame_id for one in _pictures(outputs)] == [newer.frame_id, older.frame_id]


@pytest.mark.parametrize("skipped", [None, SkipReason.OVERLOAD])
def test_marked_frames_that_come_again_have_no_second_picture(skipped: SkipReason | None) -> None:
    frames = [replace(frame, skipped=skipped) for frame in _marked(100)]
    state, outputs = folded(frames)

    _, again = folded(frames, state=decode_state(encode_state(state)))

    assert len(_pictures(outputs)) == 100
    assert not _pictures(again)


def test_interval_and_mark_of_one_frame_are_two_pictures_of_which_only_the_marked_one_is_wide() -> None:
    (frame,) = _marked(reason=UplinkReason.CHANGED)

    _, outputs = folded([replace(frame, assignment=assignment(thumbnail_interval_s=10))])

    pictures = _pictures(outputs)
    assert [one.reason for one in pictures] == [ThumbnailReason.INTERVAL, ThumbnailReason.CHANGED]
    assert [one.width_px for one in pictures] == [None, RULES.uplink_width_px]
    assert len({one.thumbnail_id for one in pictures}) == 2


def test_uplink_full_asks_for_the_frames_own_width() -> None:
    _, outputs = folded(acted("u", asked=replace(_QUIET, uplink=UplinkMode.FULL)))

    (picture,) = _pictures(outputs)
    assert (picture.reason, picture.width_px) == (ThumbnailReason.SAMPLED, 640)
