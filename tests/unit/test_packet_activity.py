"""What sizes of coded packets say, and when they say nothing."""

import numpy as np
import pytest

from watchpost.ingest.packet_activity import PacketActivity
from watchpost.ingest.packet_kinds import PacketKind

KEYFRAME, REFERENCE, DISPOSABLE = PacketKind.KEYFRAME, PacketKind.REFERENCE, PacketKind.DISPOSABLE


class Encoder:
    """Packets of 25 pictures a second, a keyframe every two seconds; `rises` multiplies what others cost."""

    def __init__(self, *, usual: float = 3000, spread: float = 0.1, keyframe: float = 150_000, seed: int = 1) -> None:
        self._random = np.random.default_rng(seed)
        self._usual, self._spread, self._keyframe = usual, spread, keyframe
        self._n = 0

    def send(self, activity: PacketActivity, seconds: float, *, rises: float = 1, quiet: bool = True) -> list[float]:
        """Send for so long; returns the times at which the sizes said that something moves."""
        heard = []
        for _ in range(round(seconds * 25)):
            at_us, place = self._n * 40_000, self._n % 50
            self._n += 1
            if place == 0:
                activity.see(KEYFRAME, round(self._keyframe), at_us, quiet=quiet)
                continue
            mends = 1 + 1.5 * np.exp(-place / 15)  # encoders mend a keyframe's coarse places for a second
            size = self._usual * mends * rises * np.exp(self._random.normal(0, self._spread))
            activity.see(REFERENCE, round(size), at_us, quiet=quiet)
            if activity.is_rising:
                heard.append(at_us / 1e6)
        return heard


@pytest.mark.parametrize("spread", [0.03, 0.1, 0.2])
@pytest.mark.parametrize("rises", [1.6, 2.4])
def test_onset_is_heard_within_a_second(spread: float, rises: float) -> None:
    activity, encoder = PacketActivity(), Encoder(spread=spread)

    before = encoder.send(activity, 31.3)
    heard = encoder.send(activity, 1, rises=rises, quiet=False)

    assert before == []
    assert heard
    assert heard[0] - 31.3 <= 0.75


def test_quiet_camera_is_not_woken_in_an_hour() -> None:
    activity, encoder = PacketActivity(), Encoder(spread=0.15)

    assert encoder.send(activity, 3600) == []
    assert activity.speaks


def test_constant_bitrate_says_nothing() -> None:
    activity = PacketActivity()

    Encoder(usual=12_000, spread=0.02).send(activity, 20)

    assert activity.is_learned
    assert not activity.speaks


def test_sizes_that_dance_say_nothing() -> None:
    activity = PacketActivity()

    Encoder(spread=0.9).send(activity, 20)

    assert not activity.speaks


def test_kinds_are_compared_with_their_own() -> None:
    activity, random, heard = PacketActivity(), np.random.default_rng(1), []
    for n in range(25 * 30):
        kind = KEYFRAME if n % 50 == 0 else REFERENCE if n % 3 == 0 else DISPOSABLE
        usual = {KEYFRAME: 100_000, REFERENCE: 3000, DISPOSABLE: 300}[kind]
        activity.see(kind, round(usual * np.exp(random.normal(0, 0.1))), n * 40_000, quiet=True)
        heard += [n] if activity.is_rising else []

    assert activity.speaks
    assert heard == []


def test_who_was_woken_for_nothing_is_harder_to_wake() -> None:
    activity, encoder = PacketActivity(), Encoder(spread=0.03)
    encoder.send(activity, 20)
    before = activity.threshold

    activity.falsely_woken()

    assert activity.threshold > before
    for _ in range(100):
        activity.falsely_woken()
    assert encoder.send(activity, 1, rises=2.4, quiet=False)


def test_noise_that_grows_for_good_becomes_usual() -> None:
    activity, encoder = PacketActivity(), Encoder(spread=0.05)
    encoder.send(activity, 60)

    encoder.send(activity, 120, rises=1.5)

    assert encoder.send(activity, 20, rises=1.5) == []
