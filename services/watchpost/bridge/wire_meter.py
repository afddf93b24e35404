"""Measures what goes over the link, as the centre's clients count it: requests and answers, retries included."""

import json
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from watchpost.bridge.uplink import Uplink

__all__ = ["ClientMeter"]

_STATISTICS_MS = 250
_LEAST_PAID_BYTES = 2048
_LEARNS = 0.3
_LEAST_RATIO, _MOST_RATIO = 0.05, 1.5


@dataclass(slots=True)
class _Seen:
    sent_bytes: int = 0
    received_bytes: int = 0


class _Payment(NamedTuple):
    at_us: int
    size_bytes: int
    paid_bytes: float


class ClientMeter:
    """The traffic of one client, or of one after another; it sets right what was paid for in advance.

    A client's statistics are compared with what was paid until they were taken, and for that client alone: others' are
    of another moment, and what they do not tell yet would look unspent.

    Producer({**meter.metered(client), …})

    Args:
        uplink: is told what was paid too much or too little.
        now_us: the clock that the clients' statistics go by.
    """

    def __init__(self, uplink: Uplink, now_us: Callable[[], int] = lambda: time.monotonic_ns() // 1000) -> None:
        self._uplink, self._now_us = uplink, now_us
        self._now, self._before = _Seen(), _Seen()
        self._payments: deque[_Payment] = deque()
        self._spent_bytes = 0.0
        self._learned_wire_bytes = self._learned_size_bytes = 0
        self.ratio = 1.0
        """Bytes on the wire for each byte that was paid for, compression and headers included."""

    @property
    def sent_bytes(self) -> int:
        """Bytes written to the centre's sockets."""
        return self._before.sent_bytes + self._now.sent_bytes

    @property
    def wire_bytes(self) -> int:
        """Bytes written and read."""
        return self.sent_bytes + self._before.received_bytes + self._now.received_bytes

    def metered(self, client: Mapping[str, Any]) -> dict[str, Any]:
        """`client` with statistics that are counted here, and then passed on to the callback that it had."""
        inner = client.get("stats_cb")

        def on_statistics(text: str) -> None:
            self._count(json.loads(text))
            if inner is not None:
                inner(text)

        return {**client, "statistics.interval.ms": _STATISTICS_MS, "stats_cb": on_statistics}

    def paid(self, size_bytes: int, paid_bytes: float) -> None:
        """A record of `size_bytes` is handed to the client, for which the uplink took `paid_bytes`."""
        self._payments.append(_Payment(self._now_us(), size_bytes, paid_bytes))

    def closed(self) -> None:
        """The client is gone; another may follow, which counts from 0."""
        self._before = _Seen(self.sent_bytes, self._before.received_bytes + self._now.received_bytes)
        self._now = _Seen()
        self._learned_wire_bytes, self._learned_size_bytes = self.wire_bytes, 0

    def _count(self, told: Mapping[str, Any]) -> None:
        self._now = _Seen(int(told["tx_bytes"]), int(told["rx_bytes"]))
        paid_bytes = 0.0
        while self._payments and self._payments[0].at_us <= int(told["ts"]):
            payment = self._payments.popleft()
            paid_bytes += payment.paid_bytes
            self._learned_size_bytes += payment.size_bytes
        self._learn(int(told["msg_cnt"]))
        spent_bytes = self.wire_bytes + self.ratio * _unsent_bytes(told)
        self._uplink.settle(spent_bytes - self._spent_bytes - paid_bytes, time.monotonic())
        self._spent_bytes = spent_bytes

    def _learn(self, waiting: int) -> None:
        size_bytes = self._learned_size_bytes
        if waiting or 0 < size_bytes < _LEAST_PAID_BYTES:
            return
        wire_bytes = self.wire_bytes - self._learned_wire_bytes
        self._learned_wire_bytes, self._learned_size_bytes = self.wire_bytes, 0
        if size_bytes:  # without a cap nothing is paid for
            self.ratio += _LEARNS * (min(_MOST_RATIO, max(_LEAST_RATIO, wire_bytes / size_bytes)) - self.ratio)


def _unsent_bytes(told: Mapping[str, Any]) -> float:
    """What lies in the client's queues and was not written to a socket yet."""
    messages, size_bytes = int(told["msg_cnt"]), int(told["msg_size"])
    if not messages:
        return 0.0
    in_flight = sum(int(broker["waitresp_msg_cnt"]) for broker in told["brokers"].values())
    return size_bytes * max(0, messages - in_flight) / messages
