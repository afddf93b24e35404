"""The link's cap holds over time, whatever is sent, and events do not wait for what pictures owe."""

import threading

from hypothesis import given
from hypothesis import strategies as st

from watchpost.bridge.pace import Uplink

KBPS = 500.0
BYTES_PER_S = KBPS * 1000 / 8
TRANSACTIONS = st.lists(
    st.tuples(st.integers(1, 2 * int(BYTES_PER_S)), st.booleans(), st.floats(0, 3)), min_size=1, max_size=60
)


@given(TRANSACTIONS)
def test_what_went_never_exceeds_the_cap_by_more_than_two_lanes_transactions(
    sent: list[tuple[int, bool, float]],
) -> None:
    uplink, now_s, gone_bytes = Uplink(KBPS), 0.0, 0
    for size_bytes, goes_first, pause_s in sent:
        now_s += pause_s
        while wait_s := uplink.wait_s(size_bytes, now_s, goes_first=goes_first):
            now_s += wait_s
        gone_bytes += size_bytes
        # two seconds that events may go before pictures, and the transaction itself
        assert gone_bytes <= BYTES_PER_S * (now_s + 2) + 2 * BYTES_PER_S + 1


def test_event_goes_while_a_picture_is_waited_off() -> None:
    uplink = Uplink(KBPS)
    assert uplink.wait_s(int(2 * BYTES_PER_S), 0.0, goes_first=False) == 0

    assert uplink.wait_s(20_000, 0.1, goes_first=False) > 1.5
    assert uplink.wait_s(500, 0.1, goes_first=True) == 0


def test_link_without_a_cap_waits_for_nothing() -> None:
    uplink = Uplink(None)

    assert all(uplink.wait_s(10**9, 0.0, goes_first=False) == 0 for _ in range(3))


@given(TRANSACTIONS)
def test_cap_holds_with_what_goes_idle_too(sent: list[tuple[int, bool, float]]) -> None:
    uplink, now_s, gone_bytes = Uplink(KBPS), 0.0, 0
    for size_bytes, goes_first, pause_s in sent:
        now_s += pause_s
        if uplink.idle_wait_s(uplink.idle_bytes, now_s) == 0:
            gone_bytes += uplink.idle_bytes
        while wait_s := uplink.wait_s(size_bytes, now_s, goes_first=goes_first):
            now_s += wait_s
        gone_bytes += size_bytes
        assert gone_bytes <= BYTES_PER_S * (now_s + 2) + 2 * BYTES_PER_S + uplink.idle_bytes + 1


def test_what_comes_last_waits_until_nothing_is_owed_and_then_goes() -> None:
    uplink = Uplink(KBPS)
    assert uplink.wait_s(int(BYTES_PER_S), 0.0, goes_first=False) == 0

    assert 0.5 < uplink.idle_wait_s(1000, 0.4) <= 0.6
    assert uplink.idle_wait_s(1000, 1.0) == 0
    assert uplink.idle_wait_s(1000, 1.0) > 0


def test_nobody_waits_long_for_what_went_idle() -> None:
    uplink = Uplink(KBPS)
    assert uplink.idle_wait_s(uplink.idle_bytes, 0.0) == 0

    assert uplink.wait_s(500, 0.0, goes_first=False) <= 0.5
    assert uplink.wait_s(500, 0.0, goes_first=True) == 0


def test_lane_that_waits_goes_before_what_comes_last() -> None:
    uplink, over, lane_bytes = Uplink(8_000), threading.Event(), 250_000
    idle_bytes = 0

    def idle() -> None:
        nonlocal idle_bytes
        while uplink.take_idle(uplink.idle_bytes, over):
            idle_bytes += uplink.idle_bytes

    thread = threading.Thread(target=idle)
    thread.start()
    for _ in range(8):
        assert uplink.take(lane_bytes, over, goes_first=False)
    over.set()
    thread.join()

    # one before the lane began, and now and then one between two of its turns
    assert idle_bytes <= 3 * uplink.idle_bytes


def test_link_without_a_cap_lets_what_comes_last_go_at_once() -> None:
    uplink = Uplink(None)

    assert all(uplink.idle_wait_s(uplink.idle_bytes, 0.0) == 0 for _ in range(3))
