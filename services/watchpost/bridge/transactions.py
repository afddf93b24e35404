"""The centre's side of a lane: everything that is written there is written in a transaction that can be fenced."""

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from watchpost.bridge.envelope import CentralClock, Outgoing
from watchpost.bridge.lanes import Lane
from watchpost.bridge.patience import reason_to_wait
from watchpost.bridge.uplink import Turn
from watchpost.bridge.wire_meter import ClientMeter
from watchpost.contracts.records import SiteId
from watchpost.errors import FencedError, RetryableError, WatchpostError
from watchpost.telemetry import metrics

__all__ = ["Transactions"]

_STEP_S = 1.0
_TIMEOUT_MS = 10_000
# begun this long ago, it no longer gives way to events: the centre would throw it away
_GIVES_WAY_S = 2.0
_ASKS_AGAIN_S = 0.05
# all that waits in memory for its acknowledgement: five requests of what is fetched of a partition at once, as many as
# an idempotent producer has under way; with more ready than may go, the client's thread spins
_UNACKNOWLEDGED_KBYTES = 2560
_WRITING = "writing to the centre"


class Transactions:
    """A lane's transactional producer: open, write, close; and a new one after it was fenced.

    Args:
        client: the settings that lead to the centre, callbacks included.
        site: whose bridge this is.
        lane: which of its lanes.
        meter: measures what the producer sends and receives.
        clock: is told what time it is at the centre.
        waiting: is told what a slow call waits for.
    """

    def __init__(
        self,
        client: Mapping[str, Any],
        site: SiteId,
        lane: Lane,
        meter: ClientMeter,
        clock: CentralClock,
        waiting: Callable[[str], None],
    ) -> None:
        self._config = {
            **meter.metered(client),
            "transactional.id": lane.transactional_id(site),
            # a site cut off inside a transaction hides other sites' records for seconds, not a minute
            "transaction.timeout.ms": _TIMEOUT_MS,
            "acks": "all",
            # librdkafka's default is CRC32: a camera would change its partition with the client
            "partitioner": "murmur2",
            "compression.type": "zstd",
            # a commit sends what waits at once: this is for a transaction that grows
            "linger.ms": 25,
            "queue.buffering.max.kbytes": _UNACKNOWLEDGED_KBYTES,
            "message.max.bytes": 2_000_000,
            # an event that travels alone must not wait for the acknowledgement of what went before it
            "socket.nagle.disable": True,
        }
        self._lane = lane
        self._meter = meter
        self._clock = clock
        self._waiting = waiting
        self._producer: Producer | None = None
        # whether a transaction was begun that is not committed: then nothing more may be written but by a new producer
        self.is_under_way = False
        self.took_s = self.commit_s = 0.0
        """How long the last transaction took, and its commit alone."""

    @property
    def is_open(self) -> bool:
        """Whether the transactional.id is ours, as far as is known here."""
        return self._producer is not None

    def open(self, over: threading.Event) -> bool:
        """Take the transactional.id: whoever had it before is fenced, and its open transaction ended.

        Returns:
            Whether the id is ours; False when `over` was set meanwhile.

        Raises:
            RetryableError, WatchpostError: the centre refuses.
        """
        if self._producer is not None:
            return True
        producer = Producer(self._config)
        while not over.is_set():
            try:
                producer.init_transactions(_STEP_S)
            except KafkaException as error:
                self._bear(error, "taking the transactional.id")
            else:
                self._producer = producer
                return True
        return False

    def close(self) -> None:
        """Give the producer up, unsent records too. The next `open` ends its transaction, or the timeout does."""
        if self._producer is not None:
            self._producer.purge()
            # it raises a fatal error that came meanwhile: whoever gives the producer up has nothing to learn from that
            with suppress(KafkaException):
                self._producer.poll(0)
            self._meter.closed()
        self._producer = None
        self.is_under_way = False

    def turn(self) -> None:
        """Let the client call back: statistics, errors.

        Raises:
            FencedError: this producer must write nothing more.
        """
        if self._producer is None:
            return
        metrics.BRIDGE_BYTES_SENT.labels(self._lane.name.value).set(self._meter.sent_bytes)
        try:
            self._producer.poll(0)
        except KafkaException as error:
            raise self._mapped(error, "keeping the transactional.id") from error

    def write(
        self,
        records: Iterable[Sequence[Outgoing]],
        checkpoint: Callable[[], Outgoing],
        over: threading.Event,
        turn: Turn | None = None,
    ) -> bool:
        """All of `records` and the checkpoint, or nothing.

        Args:
            records: handful by handful: the client sends one while the next is made.
            checkpoint: asked for when all were handed to the client.
            over: gives up.
            turn: each record is paid for before it is handed to the client. Afterwards it would be too late: a client
                that has it sends it as fast as the link takes it.

        Returns:
            Whether they are committed; False when `over` was set before that was known.

        Raises:
            RetryableError: nothing was written. `close`, `open` and look at the checkpoint before the next try.
            FencedError: this producer must write nothing more; whether this was written, the checkpoint tells.
        """
        producer = self._opened()
        try:
            producer.begin_transaction()
        except KafkaException as error:
            raise self._mapped(error, _WRITING) from error
        self.is_under_way = True
        begun_s = time.monotonic()
        # asked once: without a cap weighing and paying for each record was a fifth of all work
        payer = turn if turn is not None and turn.is_capped else None
        for some in records:
            for record in some:
                if payer is not None and not self._paid(producer, payer, record, begun_s, over):
                    return False
                if not self._produce(producer, record, None, over):
                    return False
            # acknowledgements that nobody fetches keep what they acknowledge in memory
            producer.poll(0)
        if not self._produce(producer, checkpoint(), self._checkpointed, over):
            return False
        is_committed = self._commit(producer, over, turn)
        self.took_s = time.monotonic() - begun_s
        return is_committed

    def _paid(self, producer: Producer, turn: Turn, record: Outgoing, begun_s: float, over: threading.Event) -> bool:
        size_bytes = record.size_bytes
        paid_bytes = size_bytes * self._meter.ratio
        while wait_s := turn.wait_s(paid_bytes):
            if over.is_set():
                return False
            if time.monotonic() - begun_s > _GIVES_WAY_S:
                turn.promote()
            producer.poll(min(wait_s, _ASKS_AGAIN_S))  # what the client tells meanwhile sets right what was paid
        self._meter.paid(size_bytes, paid_bytes)
        return True

    def _commit(self, producer: Producer, over: threading.Event, turn: Turn | None) -> bool:
        begun_s = time.monotonic()
        while not over.is_set():
            try:
                producer.commit_transaction(_STEP_S)
            except KafkaException as error:
                self._bear(error, "committing at the centre")
                if turn is not None:
                    turn.leave()  # a centre that does not answer must not hold up clips, which go elsewhere
            else:
                self.is_under_way = False
                self.commit_s = time.monotonic() - begun_s
                return True
        return False

    def _bear(self, error: KafkaException, doing: str) -> None:
        """Return when the same call shall be made again."""
        cause: KafkaError = error.args[0]
        if cause.fatal() or cause.txn_requires_abort() or not cause.retriable():
            raise self._mapped(error, doing) from error
        self._waiting(f"{doing}: {cause.str()}")

    def _mapped(self, error: KafkaException, doing: str) -> WatchpostError:
        cause: KafkaError = error.args[0]
        # a takeover and a transaction that timed out look the same from here: who leads can tell them apart
        return FencedError(f"{doing}: {cause.str()}") if cause.fatal() else reason_to_wait(error, doing)

    def _produce(
        self, producer: Producer, record: Outgoing, acknowledged: Callable[..., None] | None, over: threading.Event
    ) -> bool:
        """Hand it to the client; False when `over` was set while nothing was acknowledged to make room for it."""
        while True:
            try:
                # produce_batch() drops headers
                producer.produce(
                    record.topic,
                    record.value,
                    record.key,
                    headers=list(record.headers),
                    timestamp=record.timestamp_ms,
                    on_delivery=acknowledged,
                )
            except BufferError:
                if over.is_set():
                    return False
                producer.poll(0.1)
            except KafkaException as error:
                raise self._mapped(error, _WRITING) from error
            else:
                return True

    def _checkpointed(self, error: KafkaError | None, message: Message) -> None:
        if error is None:
            self._clock.observe(message)

    def _opened(self) -> Producer:
        if self._producer is None:
            raise RetryableError("the producer is not open")
        return self._producer
