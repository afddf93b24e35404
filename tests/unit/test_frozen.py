"""A camera that repeats itself is not a scene in which nothing happens."""

import pytest

from tests.fakes.clips import pictures
from watchpost.errors import SourceError, SourceFailure
from watchpost.ingest.frozen import FrozenWatch
from watchpost.vision.motion import Luma

SECOND_US = 1_000_000
STILLS = list(pictures(20))


def frozen(watch: FrozenWatch, picture: Luma, n: int, *, stream_us: int | None = None, keyframe: bool = True) -> bool:
    at_us = n * SECOND_US
    stream_us = at_us if stream_us is None else stream_us
    return watch.see(picture, is_keyframe=keyframe, stream_us=stream_us, arrival_us=at_us) is not None


def test_living_camera_is_never_frozen() -> None:
    watch = FrozenWatch()

    assert not any(frozen(watch, still, n) for n, still in enumerate(STILLS))


def test_repeated_keyframe_is_frozen_at_once_and_given_up_after_ten_seconds() -> None:
    watch = FrozenWatch()
    assert not frozen(watch, STILLS[0], 0)

    assert all(frozen(watch, STILLS[0], n) for n in range(1, 12))
    with pytest.raises(SourceError) as failed:
        frozen(watch, STILLS[0], 12)

    assert failed.value.reason is SourceFailure.FROZEN


def test_pictures_between_repeated_keyframes_are_frozen_too() -> None:
    watch = FrozenWatch()
    frozen(watch, STILLS[0], 0)
    frozen(watch, STILLS[0], 1)

    assert frozen(watch, STILLS[1], 2, keyframe=False)
    assert not frozen(watch, STILLS[2], 3)


def test_camera_that_shows_the_same_keyframe_after_a_reconnect_is_still_frozen() -> None:
    watch = FrozenWatch()
    frozen(watch, STILLS[0], 0)

    watch.reconnected()

    assert frozen(watch, STILLS[0], 20)


def test_timestamps_that_stand_still_are_frozen() -> None:
    watch = FrozenWatch()
    frozen(watch, STILLS[0], 0, stream_us=0)

    assert frozen(watch, STILLS[1], 1, stream_us=0)
    assert not frozen(watch, STILLS[2], 2, stream_us=40_000)
    assert frozen(watch, STILLS[3], 3, stream_us=40_000)
    with pytest.raises(SourceError, match="timestamps stand still"):
        frozen(watch, STILLS[4], 14, stream_us=40_000)


def test_stream_without_timestamps_is_not_frozen() -> None:
    watch = FrozenWatch()

    seen = [watch.see(still, is_keyframe=True, stream_us=None, arrival_us=0) for still in STILLS]

    assert not any(seen)
