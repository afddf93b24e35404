"""When a camera counts as offline."""

import pytest

from watchpost.contracts.records import EventType
from watchpost.errors import SourceError, SourceFailure
from watchpost.ingest.presence import Presence

REFUSED = SourceError(SourceFailure.REFUSED, "Connection refused")


def test_camera_is_online_with_its_first_picture_and_says_so_once() -> None:
    presence = Presence(15, now_s=100)

    turn = presence.picture(101)

    assert turn is not None
    assert (turn.kind, turn.number, turn.silent_s) == (EventType.CAMERA_ONLINE, 1, 1)
    assert presence.picture(102) is None
    assert presence.online


def test_silent_camera_is_offline_after_its_time_and_says_so_once() -> None:
    presence = Presence(15, now_s=100)
    presence.picture(101)

    assert presence.check(115.9) is None
    turn = presence.check(116)

    assert turn is not None
    assert (turn.kind, turn.number) == (EventType.CAMERA_OFFLINE, 2)
    assert turn.reason.startswith("timeout")
    assert presence.check(200) is None
    assert not presence.online


def test_camera_that_fails_before_its_first_picture_is_offline_at_once_and_says_so_once() -> None:
    presence = Presence(15, now_s=100)

    turn = presence.failed(REFUSED, 101)

    assert turn is not None
    assert (turn.kind, turn.reason) == (EventType.CAMERA_OFFLINE, "refused: Connection refused")
    assert presence.failed(REFUSED, 102) is None
    assert presence.check(200) is None


def test_camera_that_never_came_and_never_failed_is_offline_after_its_time_with_the_last_reason() -> None:
    presence = Presence(15, now_s=100)
    presence.note(SourceError(SourceFailure.NO_KEYFRAME, "packets come, but no keyframe"))

    assert presence.check(114.9) is None
    turn = presence.check(115)

    assert turn is not None
    assert turn.reason == "no_keyframe: packets come, but no keyframe"


def test_camera_that_came_late_is_given_its_time_from_then_on() -> None:
    presence = Presence(15, now_s=100)
    presence.failed(REFUSED, 101)
    presence.picture(105)

    assert presence.failed(REFUSED, 106) is None
    assert presence.check(119.9) is None
    assert presence.check(120) is not None


@pytest.mark.parametrize("reason", [SourceFailure.UNAUTHORISED, SourceFailure.UNSUPPORTED])
def test_what_waiting_does_not_mend_is_told_at_once(reason: SourceFailure) -> None:
    turn = Presence(15, now_s=100).failed(SourceError(reason, "so it is"), 100.1)

    assert turn is not None
    assert turn.reason == f"{reason}: so it is"


def test_short_break_is_not_told() -> None:
    presence = Presence(15, now_s=100)
    presence.picture(101)
    presence.failed(REFUSED, 102)

    assert presence.picture(110) is None


def test_recording_that_is_over_is_offline_at_once() -> None:
    presence = Presence(15, now_s=100)
    presence.picture(101)

    turn = presence.failed(SourceError(SourceFailure.ENDED, "the stream is over"), 102, final=True)

    assert turn is not None
    assert turn.reason == "ended: the stream is over"


def test_reason_of_an_old_failure_is_forgotten_with_the_next_picture() -> None:
    presence = Presence(15, now_s=100)
    presence.failed(REFUSED, 101)
    presence.picture(102)

    turn = presence.check(120)

    assert turn is not None
    assert turn.reason.startswith("timeout")
