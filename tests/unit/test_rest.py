"""When a camera's thread rests: as the last packet that came is read, and no longer than until somebody asks."""

import threading

import pytest

from watchpost.ingest.packets import Stamp
from watchpost.ingest.rest import Rest

LONG_US = 60_000_000
NOW_US = 1_000_000_000


def arrived(late_us: int = 0, *, at_us: int = NOW_US) -> Stamp:
    return Stamp(1, at_us, at_us - late_us)


@pytest.mark.parametrize(
    ("stamp", "may_rest_us"),
    [(arrived(), 0), (arrived(late_us=160_000), LONG_US)],
    ids=["may not", "more lies there"],
)
def test_camera_does_not_rest(stamp: Stamp, may_rest_us: int) -> None:
    Rest().after(stamp, may_rest_us)


def test_camera_that_rests_goes_on_when_asked() -> None:
    rest = Rest()
    resting = threading.Thread(target=rest.after, args=(arrived(), LONG_US), daemon=True)
    resting.start()

    rest.end()
    resting.join(10)

    assert not resting.is_alive()


def test_rest_that_was_ended_before_it_began_is_none() -> None:
    rest = Rest()
    rest.end()

    rest.after(arrived(), LONG_US)


def test_camera_catches_up_with_when_it_woke_before_it_rests_again() -> None:
    rest = Rest()
    rest.end()
    rest.after(arrived(), LONG_US)

    rest.after(arrived(late_us=120_000, at_us=NOW_US + 200_000), LONG_US)
    rest.after(arrived(late_us=80_000, at_us=NOW_US + 200_000), LONG_US)
    rest.end()
    rest.after(arrived(late_us=40_000, at_us=NOW_US + 200_000), LONG_US)
