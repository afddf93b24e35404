"""A producer that the centre refuses for good is given up without a word; who only lets it turn is told.

One whose memory is full, since the centre acknowledges nothing, ends when it is asked.
"""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException, Producer

from watchpost.bridge.envelope import CentralClock, Outgoing
from watchpost.bridge.lanes import lanes
from watchpost.bridge.transactions import Transactions
from watchpost.bridge.uplink import Uplink
from watchpost.bridge.wire_meter import ClientMeter
from watchpost.contracts.records import SiteId
from watchpost.errors import FencedError
from watchpost.settings import BridgeSettings, ThumbnailSettings


class FencedProducer(Producer):
    """A client as it is after another one took its transactional.id: every call back to it raises what ended it."""

    def poll(self, timeout: float = -1) -> int:
        del timeout
        raise KafkaException(KafkaError(KafkaError._FENCED, "fenced by a newer instance", fatal=True))


class FullProducer(Producer):
    """A client whose memory is full; `over` is set while it waits for room."""

    over: threading.Event

    def begin_transaction(self) -> None:
        pass

    def produce(self, *_args: Any, **_named: Any) -> None:
        raise BufferError

    def poll(self, timeout: float = -1) -> int:
        del timeout
        self.over.set()
        return 0


@pytest.fixture
def transactions() -> Iterator[Transactions]:
    lane = lanes(BridgeSettings(), ThumbnailSettings())[0]
    meter = ClientMeter(Uplink(lambda: None))
    made = Transactions({"log_level": 0}, SiteId("shop"), lane, meter, CentralClock(), lambda _: None)
    made._producer = FencedProducer({"log_level": 0})
    yield made
    made._producer = None


def test_fenced_producer_is_given_up_without_an_error(transactions: Transactions) -> None:
    transactions.close()

    assert not transactions.is_open


def test_fenced_producer_that_only_turns_says_that_it_is_fenced(transactions: Transactions) -> None:
    with pytest.raises(FencedError, match="newer instance"):
        transactions.turn()


def test_producer_whose_memory_is_full_ends_when_it_is_asked(transactions: Transactions) -> None:
    record = Outgoing("watchpost.events", b"door", b"an event", (), 0)
    full = FullProducer({"log_level": 0})
    transactions._producer, full.over = full, threading.Event()

    assert not transactions.write([[record]], lambda: record, full.over)
