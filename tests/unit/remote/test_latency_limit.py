"""How many requests at once: against a simulated server whose latency grows with load, in simulated time."""

import heapq
import itertools
import random
from collections.abc import Callable

import pytest

from watchpost.inference.remote.latency_limit import LatencyLimit


class SimulatedServer:
    """Answers requests of clients that always have another one, as many as the limit lets through.

    Example:
        SimulatedServer(slots(8)).run(LatencyLimit(64), requests=2000)

    """

    def __init__(self, latency_s: Callable[[int], float], noise: float = 0.05, wanted: int = 10_000) -> None:
        self.latency_s = latency_s
        self._noise, self._wanted = noise, wanted
        self._random = random.Random(7)  # noqa: S311  (a simulation)
        self.throughput = 0.0

    def run(
        self, limit: LatencyLimit, requests: int, *, failing: Callable[[int], bool] = lambda _n: False
    ) -> list[int]:
        """The limit after each of so many requests."""
        now_s, in_flight, order = 0.0, 0, itertools.count()
        ends: list[tuple[float, int, int, float, bool]] = []
        limits: list[int] = []
        while len(limits) < requests:
            while in_flight < min(limit.most_now, self._wanted):
                in_flight += 1
                took_s = self.latency_s(in_flight) * self._random.uniform(1 - self._noise, 1 + self._noise)
                begun = limit.begin(in_flight)
                heapq.heappush(ends, (now_s + took_s, next(order), begun, took_s, failing(in_flight)))
            now_s, _, begun, took_s, failed = heapq.heappop(ends)
            in_flight -= 1
            if failed:
                limit.failed(begun)
            else:
                limit.took(begun, took_s)
            limits.append(limit.most_now)
        self.throughput = requests / now_s
        return limits


def slots(count: int, service_s: float = 0.1) -> Callable[[int], float]:
    """A server that works on so many at once; the rest waits."""
    return lambda in_flight: service_s * max(1.0, in_flight / count)


def batching(fixed_s: float, each_s: float) -> Callable[[int], float]:
    """A GPU that takes all that waits as one batch. The knee lies at fixed / each."""
    return lambda in_flight: fixed_s + each_s * in_flight


@pytest.mark.parametrize("count", [1, 2, 8, 24])
def test_limit_settles_a_little_above_the_slots_of_a_server(count: int) -> None:
    server = SimulatedServer(slots(count))

    settled = server.run(LatencyLimit(256), 6000)[3000:]

    usual = sorted(settled)[len(settled) // 2]
    assert count <= usual <= count + max(7, 0.3 * count)
    assert server.throughput > 0.9 * count / 0.1


def test_limit_settles_near_the_knee_of_a_server_that_batches() -> None:
    server = SimulatedServer(batching(0.05, 0.005), noise=0.02)

    settled = server.run(LatencyLimit(256), 6000)[3000:]

    assert 5 <= sorted(settled)[len(settled) // 2] <= 20  # throughput over latency is best at 10


def test_limit_grows_to_the_most_where_the_server_never_queues() -> None:
    assert SimulatedServer(lambda _in_flight: 0.05).run(LatencyLimit(32), 1500)[-1] == 32


def test_limit_never_starves_and_never_passes_the_most() -> None:
    failing = SimulatedServer(slots(4)).run(LatencyLimit(16), 500, failing=lambda _in_flight: True)
    fine = SimulatedServer(slots(400)).run(LatencyLimit(16), 2000)

    assert failing[-1] == 1
    assert max(fine) == 16
    assert min(fine) >= 1


def test_limit_falls_after_an_error_once_for_all_that_were_under_way_and_grows_again() -> None:
    limit = LatencyLimit(64)
    server = SimulatedServer(lambda _in_flight: 0.05)
    server.run(limit, 1500)
    begun = [limit.begin(n) for n in range(1, 21)]

    for one in begun:
        limit.failed(one)

    assert limit.most_now == int(64 * 0.7)
    assert server.run(limit, 1500)[-1] == 64


def test_limit_stays_below_what_a_server_refuses() -> None:
    limits = SimulatedServer(lambda _in_flight: 0.05).run(LatencyLimit(64), 4000, failing=lambda n: n > 12)

    assert 6 <= sorted(limits[1000:])[1500] <= 13


def test_limit_follows_a_server_that_lost_half_its_slots() -> None:
    server = SimulatedServer(slots(24))
    limit = LatencyLimit(128)
    server.run(limit, 3000)

    server.latency_s = slots(12, service_s=0.2)
    settled = server.run(limit, 6000)[4000:]

    assert 12 <= sorted(settled)[1000] <= 22


def test_limit_does_not_grow_while_nobody_needs_more() -> None:
    assert SimulatedServer(slots(100), wanted=3).run(LatencyLimit(64), 1000)[-1] <= 6


def test_sample_of_a_request_from_before_a_change_is_not_counted() -> None:
    limit = LatencyLimit(64)
    old = limit.begin(1)
    limit.failed(old)

    for _ in range(20):
        limit.took(old, 5.0)

    assert limit.most_now == 2
