"""What commands ask of a camera."""

from datetime import UTC, datetime, timedelta

from watchpost.contracts.records import CameraId, CaptureReason, Command, CommandKind, SiteId
from watchpost.ingest.wishes import Wishes, is_outdated

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
NOW_US = round(NOW.timestamp() * 1_000_000)
SECOND_US = 1_000_000


def command(kind: CommandKind, *, around: datetime = NOW, after_ms: int = 10_000) -> Command:
    return Command("c-1", SiteId("shop"), CameraId("door"), kind, NOW, around, 10_000, after_ms, None, "test")


def test_analyze_now_takes_the_next_picture_and_no_other() -> None:
    wishes = Wishes()
    wishes.add(command(CommandKind.ANALYZE_NOW))

    assert wishes.reason_for(NOW_US, None) is CaptureReason.ON_DEMAND
    assert wishes.reason_for(NOW_US + 40_000, None) is None


def test_burst_takes_every_picture_until_it_is_over() -> None:
    wishes = Wishes()
    wishes.add(command(CommandKind.BURST))

    assert wishes.reason_for(NOW_US - 1, None) is None
    assert wishes.reason_for(NOW_US, None) is CaptureReason.BURST
    assert wishes.reason_for(NOW_US + 10 * SECOND_US, None) is CaptureReason.BURST
    assert wishes.reason_for(NOW_US + 10 * SECOND_US + 1, None) is None


def test_sampled_picture_keeps_its_reason_in_a_burst() -> None:
    wishes = Wishes()
    wishes.add(command(CommandKind.BURST))

    assert wishes.reason_for(NOW_US, CaptureReason.MOTION) is CaptureReason.MOTION


def test_two_bursts_last_until_the_later_end() -> None:
    wishes = Wishes()
    wishes.add(command(CommandKind.BURST))
    wishes.add(command(CommandKind.BURST, around=NOW + timedelta(seconds=5)))

    assert wishes.reason_for(NOW_US + 14 * SECOND_US, None) is CaptureReason.BURST


def test_follow_holds_until_its_end_and_asks_for_no_picture_of_its_own() -> None:
    wishes = Wishes()
    wishes.add(command(CommandKind.FOLLOW, after_ms=5000))

    assert wishes.follows(NOW_US)
    assert wishes.follows(NOW_US + 5 * SECOND_US)
    assert not wishes.follows(NOW_US + 5 * SECOND_US + 1)
    assert not wishes.are_open(NOW_US)
    assert wishes.past() is None
    assert wishes.reason_for(NOW_US, None) is None


def test_follow_that_comes_late_shortens_nothing() -> None:
    wishes = Wishes()
    wishes.add(command(CommandKind.FOLLOW, after_ms=5000))
    wishes.add(command(CommandKind.FOLLOW, around=NOW - timedelta(seconds=2), after_ms=5000))

    assert wishes.follows(NOW_US + 5 * SECOND_US)


def test_nobody_is_followed_where_that_is_switched_off_and_bursts_still_come() -> None:
    wishes = Wishes(follow_tracks=False)
    wishes.add(command(CommandKind.FOLLOW, after_ms=5000))
    wishes.add(command(CommandKind.BURST))

    assert not wishes.follows(NOW_US)
    assert wishes.are_open(NOW_US)


def test_command_whose_moment_has_passed_is_outdated() -> None:
    burst, now = command(CommandKind.BURST), command(CommandKind.ANALYZE_NOW)
    follow = command(CommandKind.FOLLOW, after_ms=5000)

    assert not is_outdated(burst, NOW + timedelta(seconds=10))
    assert is_outdated(burst, NOW + timedelta(seconds=11))
    assert not is_outdated(now, NOW + timedelta(seconds=10))
    assert is_outdated(now, NOW + timedelta(seconds=11))
    assert not is_outdated(follow, NOW + timedelta(seconds=5))
    assert is_outdated(follow, NOW + timedelta(seconds=6))
