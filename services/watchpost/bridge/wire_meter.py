"""Measures what goes over the link, as the centre's clients count it: requests and answers, retries included."""

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from watchpost.bridge.uplink import Uplink

__all__ = ["ClientMeter", "WireMeter"]

_STATISTICS_MS = 250
_LEAST_PRODUCED_BYTES = 2048
_LEARNS = 0.3
_LEAST_RATIO, _MOST_RATIO = 0.05, 1.5


class WireMeter:
    """The traffic of all clients of the centre; it sets right what was paid for in advance."""

    def __init__(self, uplink: Uplink) -> None:
        self._uplink = uplink
        self._lock = threading.Lock()
        self._clients: list[ClientMeter] = []
        self._settled_bytes = 0.0

    def client(self) -> "ClientMeter":
        """A meter for one more client, or for one after another."""
        meter = ClientMeter(self._settle)
        with self._lock:
            self._clients.append(meter)
        return meter

    def _settle(self) -> None:
        with self._lock:
            spent_bytes = sum(client.wire_bytes + client.unsent_bytes for client in self._clients)
            since_bytes, self._settled_bytes = spent_bytes - self._settled_bytes, spent_bytes
            self._uplink.settle(since_bytes, time.monotonic())


@dataclass(slots=True)
class _Seen:
    sent_bytes: int = 0
    received_bytes: int = 0


class ClientMeter:
    """One client's traffic.

    Producer({**meter.metered(client), …})
    """

    def __init__(self, told: Callable[[], None]) -> None:
        self._told = told
        self._now, self._before = _Seen(), _Seen()
        self._produced_bytes = 0
        self._learned_from = (0, 0)
        self.unsent_bytes = 0.0
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
            self._count(text)
            if inner is not None:
                inner(text)

        return {**client, "statistics.interval.ms": _STATISTICS_MS, "stats_cb": on_statistics}

    def produced(self, size_bytes: int) -> None:
        """So much was paid for, and is handed to the client."""
        self._produced_bytes += size_bytes

    def closed(self) -> None:
        """The client is gone; another may follow, which counts from 0."""
        self._before = _Seen(self.sent_bytes, self._before.received_bytes + self._now.received_bytes)
        self._now = _Seen()
        self.unsent_bytes = 0.0
        self._learned_from = (self.wire_bytes, self._produced_bytes)

    def _count(self, text: str) -> None:
        told = json.loads(text)
        self._now = _Seen(int(told["tx_bytes"]), int(told["rx_bytes"]))
        self._learn(int(told["msg_cnt"]))
        self.unsent_bytes = self.ratio * _unsent_bytes(told)
        self._told()

    def _learn(self, waiting: int) -> None:
        wire_bytes, produced_bytes = self._learned_from
        produced = self._produced_bytes - produced_bytes
        if waiting or 0 < produced < _LEAST_PRODUCED_BYTES:
            return
        self._learned_from = (self.wire_bytes, self._produced_bytes)
        if not produced:
            return  # without a cap nothing is paid for
        ratio = (self.wire_bytes - wire_bytes) / produced
        self.ratio += _LEARNS * (min(_MOST_RATIO, max(_LEAST_RATIO, ratio)) - self.ratio)


def _unsent_bytes(told: dict[str, object]) -> float:
    """What lies in the client's queues and was not written to a socket yet."""
    messages, size_bytes = int(str(told["msg_cnt"])), int(str(told["msg_size"]))
    brokers = told["brokers"]
    if not messages or not isinstance(brokers, dict):
        return 0.0
    in_flight = sum(int(broker["waitresp_msg_cnt"]) for broker in brokers.values())
    return size_bytes * max(0, messages - in_flight) / messages
