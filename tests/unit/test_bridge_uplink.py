"""The link's cap holds over time, whatever is sent, and who goes first does."""

import threading
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.clock import SetClock
from watchpost.bridge.cap import cap_of
from watchpost.bridge.uplink import Rank, Uplink
from watchpost.settings import settings_from

KBPS = 500.0
SENT = st.lists(st.tuples(st.sampled_from(Rank), st.integers(1, 60_000), st.floats(0, 3)), min_size=1, max_size=80)


def uplink_of(kbps: float | None) -> Uplink:
    uplink = Uplink(lambda: kbps)
    uplink.wait_s(Rank.EVENTS, 0, 0.0)  # from here on it saves up
    return uplink


def went_at(uplink: Uplink, rank: Rank, size_bytes: float, now_s: float) -> float:
    """When it went."""
    while wait_s := uplink.wait_s(rank, size_bytes, now_s):
        now_s += wait_s
    return now_s


@given(SENT, st.floats(1, 20))
def test_no_window_of_the_link_carries_more_than_the_cap_and_one_piece(
    sent: list[tuple[Rank, int, float]], window_s: float
) -> None:
    uplink, now_s = uplink_of(KBPS), 0.0
    gone: list[tuple[float, int]] = []
    for rank, size_bytes, pause_s in sent:
        now_s = went_at(uplink, rank, size_bytes, now_s + pause_s)
        gone.append((now_s, size_bytes))

    rate = uplink.bytes_per_s
    assert rate is not None
    for began_s, _ in gone:
        inside = sum(size for at_s, size in gone if began_s <= at_s < began_s + window_s)
        # what it saved up, what events may owe, and a piece at either end that cannot be cut
        assert inside <= rate * (window_s + 0.3 + 0.4) + 2 * 60_000


def test_event_goes_while_a_thumbnail_is_waited_off() -> None:
    uplink = uplink_of(KBPS)
    now_s = went_at(uplink, Rank.THUMBNAILS, 30_000, 0.0)

    assert uplink.wait_s(Rank.THUMBNAILS, 30_000, now_s) > 0.4
    assert uplink.wait_s(Rank.EVENTS, 2_000, now_s) == 0


def test_link_without_a_cap_waits_for_nothing() -> None:
    uplink = uplink_of(None)

    assert all(uplink.wait_s(rank, 10**9, 0.0) == 0 for rank in Rank for _ in range(3))


@pytest.mark.parametrize(("first", "second"), [(Rank.EVENTS, Rank.THUMBNAILS), (Rank.THUMBNAILS, Rank.CLIPS)])
def test_lower_rank_waits_for_as_long_as_a_higher_one_is_queued(first: Rank, second: Rank) -> None:
    uplink = uplink_of(KBPS)

    with uplink.waiting(first) as turn:
        assert uplink.wait_s(second, 1, 100.0) > 0
        turn.leave()
        assert uplink.wait_s(second, 1, 100.0) == 0
    assert uplink.wait_s(second, 1, 101.0) == 0


def test_promoted_lane_no_longer_waits_for_events() -> None:
    uplink = uplink_of(KBPS)

    with uplink.waiting(Rank.EVENTS), uplink.waiting(Rank.THUMBNAILS) as turn:
        assert turn.wait_s(1) > 0
        turn.promote()
        assert turn.wait_s(1) == 0
    assert uplink.wait_s(Rank.CLIPS, 1, 1e9) == 0


def test_promoted_lane_owes_nothing_as_events_may() -> None:
    uplink = Uplink(lambda: KBPS)  # that has saved nothing up
    size_bytes = 0.2 * (uplink.bytes_per_s or 0.0)

    with uplink.waiting(Rank.THUMBNAILS) as turn, uplink.waiting(Rank.EVENTS) as events:
        turn.promote()
        assert turn.wait_s(size_bytes) > 0
        assert events.wait_s(size_bytes) == 0


def test_bytes_that_were_more_on_the_wire_are_waited_off() -> None:
    uplink = uplink_of(KBPS)
    rate = uplink.bytes_per_s or 0.0
    now_s = went_at(uplink, Rank.THUMBNAILS, 60_000, 0.0)
    before_s = uplink.wait_s(Rank.THUMBNAILS, 1000, now_s)

    uplink.settle(rate, now_s)

    assert uplink.wait_s(Rank.THUMBNAILS, 1000, now_s) == pytest.approx(before_s + 1.0)


def test_bytes_that_compression_saved_are_given_back() -> None:
    uplink = uplink_of(KBPS)
    now_s = went_at(uplink, Rank.THUMBNAILS, 60_000, 0.0)
    assert uplink.wait_s(Rank.THUMBNAILS, 1000, now_s) > 0.5

    uplink.settle(-50_000, now_s)

    assert uplink.wait_s(Rank.THUMBNAILS, 1000, now_s) == 0


def test_cap_that_changes_holds_from_then_on() -> None:
    kbps: list[float | None] = [KBPS]
    uplink = Uplink(lambda: kbps[0])
    now_s = went_at(uplink, Rank.THUMBNAILS, 60_000, 0.0)
    slow_s = uplink.wait_s(Rank.THUMBNAILS, 60_000, now_s)

    kbps[0] = 10 * KBPS
    assert 0 < uplink.wait_s(Rank.THUMBNAILS, 60_000, now_s) < slow_s / 4
    kbps[0] = None
    assert uplink.wait_s(Rank.THUMBNAILS, 10**9, now_s) == 0


def test_wait_for_the_link_ends_when_all_is_over() -> None:
    uplink, over = uplink_of(1.0), threading.Event()
    assert uplink.take(Rank.CLIPS, 100_000, over)
    over.set()

    assert not uplink.take(Rank.CLIPS, 100_000, over)


SCHEDULE = {
    "max_kbps": 500,
    "schedule": [
        {"from": "22:00", "to": "06:00", "max_kbps": 8000},
        {"from": "12:00", "to": "13:00", "max_kbps": None},
        {"from": "12:30", "to": "14:00", "max_kbps": 9},
    ],
}


@pytest.mark.parametrize(
    ("hour_utc", "minute", "kbps"),
    [(20, 59, 500), (21, 0, 8000), (0, 0, 8000), (4, 59, 8000), (5, 0, 500), (11, 30, None), (12, 0, 9), (13, 0, 500)],
)
def test_cap_follows_the_schedule_in_the_sites_timezone(hour_utc: int, minute: int, kbps: float | None) -> None:
    site: dict[str, Any] = {"name": "shop", "timezone": "Europe/Berlin"}  # UTC+1 in winter
    settings = settings_from({"site": site, "bandwidth": SCHEDULE})

    assert cap_of(settings, SetClock(datetime(2026, 1, 10, hour_utc, minute, tzinfo=UTC)))() == kbps


@pytest.mark.parametrize(
    ("bandwidth", "mean_kbps"),
    [
        ({}, None),
        ({"max_kbps": 500}, 500),
        (SCHEDULE, None),
        ({"max_kbps": 100, "schedule": [{"from": "00:00", "to": "12:00", "max_kbps": 300}]}, 200),
    ],
)
def test_mean_cap_of_a_day_counts_its_schedule(bandwidth: dict[str, Any], mean_kbps: float | None) -> None:
    assert settings_from({"bandwidth": bandwidth}).bandwidth.mean_kbps == mean_kbps


def test_lane_that_is_queued_goes_before_clips() -> None:
    order: list[Rank] = []
    uplink, over = uplink_of(8_000), threading.Event()

    def last() -> None:
        while uplink.take(Rank.CLIPS, uplink.idle_bytes, over):
            order.append(Rank.CLIPS)

    clips = threading.Thread(target=last)
    clips.start()
    with uplink.waiting(Rank.THUMBNAILS):
        for _ in range(8):
            assert uplink.take(Rank.THUMBNAILS, 250_000, over)
            order.append(Rank.THUMBNAILS)
    over.set()
    clips.join()

    began = order.index(Rank.THUMBNAILS)
    assert order[began : began + 8].count(Rank.CLIPS) <= 1  # one that was between its question and its answer
