"""Which pictures are published."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.specs import camera_spec
from watchpost.contracts.records import CaptureReason
from watchpost.ingest.sampling import SamplingRules, SamplingState, sample, sampling_rules
from watchpost.settings import IngestSettings

SECOND_US = 1_000_000
USUAL = SamplingRules(idle_fps=1, active_fps=5, active_hold_us=5 * SECOND_US, max_fps=10, skip_frames=0)


def kept(
    rules: SamplingRules,
    *,
    fps: float,
    seconds: float,
    moves: tuple[float, float] = (0, 0),
    follows: tuple[float, float] = (0, 0),
) -> list[tuple[float, CaptureReason]]:
    """Times (in seconds) and reasons of what is published while something moves from `moves[0]` to `moves[1]`.

    From `follows[0]` to `follows[1]` somebody is followed.
    """
    state, published = SamplingState(), []
    for n in range(round(seconds * fps)):
        at_s = n / fps
        moving, followed = (span[0] <= at_s < span[1] for span in (moves, follows))
        state, reason = sample(state, round(at_s * SECOND_US), moving=moving, rules=rules, followed=followed)
        if reason is not None:
            published.append((at_s, reason))
    return published


def between(published: list[tuple[float, CaptureReason]], begin_s: float, end_s: float) -> list[CaptureReason]:
    return [reason for at_s, reason in published if begin_s <= at_s < end_s]


@pytest.mark.parametrize("fps", [10, 12.5, 15, 18, 24, 25, 29.97, 30, 60])
def test_moving_scene_gives_max_frames_whatever_the_camera_s_rate(fps: float) -> None:
    published = kept(USUAL, fps=fps, seconds=20, moves=(0, 20))

    assert len(published) == pytest.approx(min(10, fps) * 20, abs=1)
    assert {reason for _, reason in published} == {CaptureReason.MOTION}


def test_quiet_scene_gives_one_frame_a_second() -> None:
    published = kept(USUAL, fps=25, seconds=30)

    assert [at_s for at_s, _ in published] == [float(n) for n in range(30)]
    assert {reason for _, reason in published} == {CaptureReason.INTERVAL}


def test_motion_is_published_at_once_and_held_at_five_a_second_for_five_seconds() -> None:
    published = kept(USUAL, fps=25, seconds=30, moves=(10.52, 12))

    assert (10.52, CaptureReason.MOTION) in published
    assert between(published, 12, 17) == [CaptureReason.MOTION] * 25
    assert between(published, 18, 30) == [CaptureReason.INTERVAL] * 12


def test_hold_outlasts_the_confirmation_of_a_fall() -> None:
    # the last motion is the impact; lying is confirmed after 0.6 s of frames that show it
    published = kept(USUAL, fps=25, seconds=20, moves=(9, 10))

    assert len(between(published, 10, 10.6)) >= 3
    assert len(between(published, 10, 15)) >= 25


def test_followed_who_keeps_still_gives_five_a_second_until_the_end_and_no_hold_after_it() -> None:
    published = kept(USUAL, fps=25, seconds=60, follows=(20.52, 40))

    assert (20.52, CaptureReason.MOTION) in published
    assert between(published, 21, 40) == [CaptureReason.MOTION] * 95
    assert between(published, 42, 60) == [CaptureReason.INTERVAL] * 18


def test_followed_who_moves_gives_max_frames() -> None:
    published = kept(USUAL, fps=25, seconds=20, moves=(5, 15), follows=(0, 20))

    assert len(between(published, 5, 15)) == pytest.approx(100, abs=1)


def test_followed_gives_no_more_than_max_frames() -> None:
    rules = sampling_rules(IngestSettings(), camera_spec(max_frames=2))

    published = kept(rules, fps=25, seconds=20, follows=(0, 20))

    assert len(published) == pytest.approx(40, abs=1)


def test_skip_frames_drops_that_many_after_each_frame_kept() -> None:
    rules = SamplingRules(idle_fps=1, active_fps=5, active_hold_us=0, max_fps=60, skip_frames=4)

    published = kept(rules, fps=25, seconds=4, moves=(0, 4))

    assert [round(at_s * 25) for at_s, _ in published] == list(range(0, 100, 5))


@given(
    st.lists(st.tuples(st.integers(1_000, 500_000), st.booleans(), st.booleans()), min_size=1, max_size=300),
    st.floats(0.1, 60),
    st.integers(0, 5),
)
def test_no_camera_gets_more_than_max_frames(
    pictures: list[tuple[int, bool, bool]], max_fps: float, skip_frames: int
) -> None:
    rules = SamplingRules(min(1, max_fps), min(5, max_fps), SECOND_US, max_fps, skip_frames)
    state, at_us, count, since_kept = SamplingState(), 0, 0, skip_frames
    for gap_us, moving, followed in pictures:
        at_us += gap_us

        state, reason = sample(state, at_us, moving=moving, rules=rules, followed=followed)

        if reason is not None:
            count += 1
            assert since_kept >= skip_frames
            since_kept = -1
        since_kept += 1
    elapsed_s = (at_us - pictures[0][0]) / SECOND_US
    assert count <= elapsed_s * max_fps * (1 + 1e-6) + 1
