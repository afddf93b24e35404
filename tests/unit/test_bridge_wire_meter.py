"""What a client's statistics say is set against what was paid for that client until they were taken."""

import json
from collections.abc import Callable
from typing import cast

import pytest

from watchpost.bridge.uplink import Uplink
from watchpost.bridge.wire_meter import ClientMeter


class Clock:
    """Microseconds, as a client's statistics count them."""

    def __init__(self) -> None:
        self.us = 0

    def __call__(self) -> int:
        return self.us


class Settled(Uplink):
    """An uplink that notes what it is told."""

    def __init__(self) -> None:
        super().__init__(lambda: 500.0)
        self.excess_bytes: list[float] = []

    def settle(self, excess_bytes: float, now_s: float) -> None:
        del now_s
        self.excess_bytes.append(excess_bytes)


def told_of(meter: ClientMeter, **first: object) -> Callable[..., None]:
    """Lets the meter see statistics: microseconds, bytes sent and received, records and bytes that wait unsent."""
    tell = cast("Callable[[str], None]", meter.metered(dict(first))["stats_cb"])

    def told(at_us: int, sent: int, received: int = 0, waiting: int = 0, waiting_bytes: int = 0) -> None:
        statistics = {"ts": at_us, "tx_bytes": sent, "rx_bytes": received, "msg_cnt": waiting}
        tell(json.dumps({**statistics, "msg_size": waiting_bytes, "brokers": {"b": {"waitresp_msg_cnt": 0}}}))

    return told


def test_bytes_beyond_what_was_paid_are_told_in_both_directions() -> None:
    clock, uplink = Clock(), Settled()
    meter = ClientMeter(uplink, clock)
    told = told_of(meter)
    meter.paid(1000, 1000.0)

    told(10, sent=1200, received=100)

    assert uplink.excess_bytes == [300.0]
    assert (meter.sent_bytes, meter.wire_bytes) == (1200, 1300)


def test_payment_after_the_statistics_were_taken_is_left_for_the_next() -> None:
    clock, uplink = Clock(), Settled()
    meter = ClientMeter(uplink, clock)
    told = told_of(meter)
    clock.us = 20
    meter.paid(10_000, 10_000.0)

    told(10, sent=0)
    told(30, sent=10_000)

    assert uplink.excess_bytes == [0.0, 0.0]


def test_statistics_of_another_client_say_nothing_of_what_was_paid_for_this_one() -> None:
    clock, uplink = Clock(), Settled()
    ours, other = ClientMeter(uplink, clock), ClientMeter(uplink, clock)
    told_other = told_of(other)
    ours.paid(10_000, 10_000.0)

    told_other(10, sent=50)

    assert uplink.excess_bytes == [50.0]


def test_records_that_wait_in_the_client_count_as_spent() -> None:
    clock, uplink = Clock(), Settled()
    meter = ClientMeter(uplink, clock)
    meter.paid(10_000, 10_000.0)

    told_of(meter)(10, sent=0, waiting=1, waiting_bytes=10_000)

    assert uplink.excess_bytes == [0.0]


def test_what_a_closed_client_did_not_send_is_given_back_by_the_next() -> None:
    clock, uplink = Clock(), Settled()
    meter = ClientMeter(uplink, clock)
    told = told_of(meter)
    meter.paid(10_000, 10_000.0)
    told(10, sent=500, waiting=1, waiting_bytes=10_000)

    meter.closed()
    told(20, sent=100)

    assert uplink.excess_bytes == [500.0, 100.0 - 10_000.0]
    assert meter.wire_bytes == 600


def test_ratio_is_learned_of_what_was_paid_for_alone() -> None:
    clock = Clock()
    meter = ClientMeter(Settled(), clock)
    told = told_of(meter)

    told(10, sent=1_000_000)
    assert meter.ratio == 1.0
    meter.paid(10_000, 10_000.0)
    told(20, sent=1_005_000)

    assert meter.ratio == pytest.approx(1.0 + 0.3 * (0.5 - 1.0))


def test_statistics_are_handed_on() -> None:
    seen: list[str] = []

    told_of(ClientMeter(Settled()), stats_cb=seen.append)(10, sent=1)

    assert [json.loads(each)["tx_bytes"] for each in seen] == [1]
