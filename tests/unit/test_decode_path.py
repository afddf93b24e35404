"""How much of a camera is decoded, on real packets: nothing that begins to move is missed, and quiet costs little."""

from pathlib import Path

import pytest

from tests.fakes.onset import CAPPED, CONSTANT, Onset, write_onset
from tests.fakes.replayed_camera import BEGINS_US, Replay, replayed
from tests.requirements import require
from watchpost.clock import from_epoch_us
from watchpost.contracts.records import CameraId, Command, CommandKind, SiteId
from watchpost.ingest.decode_choice import Choice, DecodeCause, DecodeMode
from watchpost.ingest.learning_places import LearningPlaces
from watchpost.ingest.wishes import Wishes

HEVC = ("-c:v", "libx265", "-preset", "ultrafast", "-crf", "28", "-x265-params", "log-level=error", "-tag:v", "hvc1")
WITH_B = ("-c:v", "libx264", "-preset", "veryfast", "-crf", "26", "-bf", "2")
OPEN_GROUPS = (*WITH_B, "-x264-params", "open-gop=1")
TEN_BITS = ("-c:v", "libx264", "-preset", "veryfast", "-crf", "26", "-profile:v", "high10")
MJPEG = ("-c:v", "mjpeg", "-q:v", "6")


@pytest.fixture(autouse=True)
def _ffmpeg() -> None:
    require("ffmpeg", "apt-get install -y ffmpeg")


def follow(until_s: float) -> Command:
    """A command that holds from the first picture of a replay on."""
    begins = from_epoch_us(BEGINS_US)
    return Command(
        "c",
        SiteId("shop"),
        CameraId("door"),
        CommandKind.FOLLOW,
        begins,
        begins,
        0,
        round(until_s * 1000),
        None,
        "test",
    )


def seen_after_s(replay: Replay, onset: Onset) -> float:
    """How long after the onset the camera was active because of it, by stream time."""
    woken = [
        at_s
        for at_s, choice in replay.turns
        if at_s >= onset.at_s and choice.cause in (DecodeCause.PACKETS, DecodeCause.PIXELS)
    ]
    assert woken, replay.turns
    return woken[0] - onset.at_s


@pytest.mark.parametrize(
    ("encoder", "at_s"),
    [(CAPPED, 31.3), (CAPPED, 32.9), (HEVC, 32.9), (WITH_B, 31.3), (OPEN_GROUPS, 32.9)],
    ids=["capped", "capped-late", "hevc", "b-pictures", "open-groups"],
)
def test_onset_after_half_a_minute_of_quiet_is_seen_within_a_second(
    tmp_path: Path, encoder: tuple[str, ...], at_s: float
) -> None:
    onset = Onset(at_s=at_s)

    replay = replayed(write_onset(tmp_path / "onset.mp4", onset, encoder))

    assert replay.mode_at(at_s - 0.1).mode is DecodeMode.IDLE, replay.turns
    assert seen_after_s(replay, onset) <= 1
    assert replay.failures == []


@pytest.mark.parametrize(
    ("encoder", "mode", "cause"),
    [
        (CONSTANT, DecodeMode.ACTIVE, DecodeCause.SIZES_SAY_NOTHING),
        (MJPEG, DecodeMode.IDLE, DecodeCause.SIZES_SAY_NOTHING),
    ],
    ids=["constant-bitrate", "mjpeg"],
)
def test_camera_whose_sizes_say_nothing_is_looked_at_often_enough(
    tmp_path: Path, encoder: tuple[str, ...], mode: DecodeMode, cause: DecodeCause
) -> None:
    onset = Onset()

    replay = replayed(write_onset(tmp_path / "onset.mkv", onset, encoder))

    choice = replay.mode_at(onset.at_s - 0.1)
    assert (choice.mode, choice.cause) == (mode, cause)
    assert seen_after_s(replay, onset) <= 1


def test_quiet_mjpeg_is_decoded_twice_a_second(tmp_path: Path) -> None:
    replay = replayed(write_onset(tmp_path / "quiet.mkv", Onset(at_s=20, lasts_s=0), MJPEG))

    assert 38 <= len([at_s for at_s in replay.decoded_s if at_s >= 1]) <= 40


def test_long_keyframe_interval_is_decoded_and_named(tmp_path: Path) -> None:
    onset = Onset(keyframe_every=250)

    replay = replayed(write_onset(tmp_path / "onset.mp4", onset))

    assert replay.mode_at(25).cause is DecodeCause.KEYFRAMES_APART
    assert seen_after_s(replay, onset) <= 1


def test_quiet_camera_costs_its_keyframes_and_publishes_them(tmp_path: Path) -> None:
    replay = replayed(write_onset(tmp_path / "quiet.mp4", Onset(at_s=40, lasts_s=0)))

    assert replay.wakes() == []
    late = [at_s for at_s in replay.decoded_s if at_s > 20]
    assert late == pytest.approx([20 + 2 * n for n in range(1, 10)], abs=0.01)
    assert [at_s for at_s, _ in replay.captures if at_s > 20] == late


def test_quiet_camera_in_which_somebody_is_followed_publishes_five_pictures_a_second_until_the_end(
    tmp_path: Path,
) -> None:
    wishes = Wishes()
    wishes.add(follow(until_s=30))

    replay = replayed(write_onset(tmp_path / "quiet.mp4", Onset(at_s=40, lasts_s=0)), wishes=wishes)

    assert replay.mode_at(29) == Choice(DecodeMode.ACTIVE, DecodeCause.FOLLOWED)
    assert replay.mode_at(30.1).mode is DecodeMode.IDLE
    captured_s = [at_s for at_s, _ in replay.captures]
    assert len([at_s for at_s in captured_s if 20 < at_s <= 30]) == 50
    assert [at_s for at_s in captured_s if at_s > 31] == pytest.approx([32, 34, 36, 38], abs=0.01)


def test_waking_camera_shows_whole_pictures_of_before_the_onset(tmp_path: Path) -> None:
    onset = Onset(at_s=32.9)

    replay = replayed(write_onset(tmp_path / "onset.mp4", onset))

    woken_s = replay.wakes()[0][0]
    first_s = min(at_s for at_s in replay.decoded_s if at_s > 30.01)
    assert first_s <= woken_s - 0.5
    captured_s = [at_s for at_s, _ in replay.captures]
    assert captured_s == sorted(set(captured_s))
    assert min(replay.moving_s) <= onset.at_s + 0.5


def test_ten_bit_pictures_are_looked_at_too(tmp_path: Path) -> None:
    onset = Onset(at_s=5)

    replay = replayed(write_onset(tmp_path / "onset.mp4", onset, TEN_BITS))

    assert seen_after_s(replay, onset) <= 1


def test_camera_that_waits_to_learn_costs_its_keyframes_and_misses_nothing_later(tmp_path: Path) -> None:
    onset, places = Onset(at_s=12.5), LearningPlaces(1)
    places.has_place("another camera")

    replay = replayed(write_onset(tmp_path / "onset.mp4", onset), places=places)

    causes = [choice.cause for _, choice in replay.turns]
    assert causes[:2] == [DecodeCause.WAITS_TO_LEARN, DecodeCause.QUIET]
    assert [at_s for at_s in replay.decoded_s if at_s < 10] == pytest.approx([0, 2, 4, 6, 8], abs=0.01)
    assert seen_after_s(replay, onset) <= 1


def test_camera_that_waits_to_learn_is_woken_by_its_next_keyframe(tmp_path: Path) -> None:
    onset, places = Onset(at_s=0.5), LearningPlaces(1)
    places.has_place("another camera")

    replay = replayed(write_onset(tmp_path / "onset.mp4", onset), places=places)

    assert replay.wakes()[0][1].cause is DecodeCause.PIXELS
    assert seen_after_s(replay, onset) <= 1.6
