"""Reads the site's topics in one thread and hands what they tell to the event loop.

reader = SiteReader(watched(client, health), health, hand_over, on_failure)
reader.start()
…
reader.stop()
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import structlog
from confluent_kafka import Consumer, KafkaError, Message

from watchpost.api.site_view import Arrival, SpecArrived
from watchpost.api.starting_points import Start, starting_points
from watchpost.api.subscriptions import Seen, SiteRecord
from watchpost.contracts import TopicName, decode
from watchpost.contracts.records import CameraId, CameraSpec, EventChanged, FrameAnalyzed, ThumbnailTaken
from watchpost.errors import ContractError, RetryableError
from watchpost.stream import key_of, value_of
from watchpost.stream.kafka_errors import kafka_errors_mapped, to_watchpost_error
from watchpost.telemetry import Health, metrics

__all__ = ["SiteReader"]

_LOG = structlog.get_logger()
_PART = "site"
_WAIT_S = 0.2
_RETRY_S = 0.5
_AT_ONCE = 500
_RECORDS: Mapping[str, type[SiteRecord]] = {
    TopicName.OBSERVATIONS.value: FrameAnalyzed,
    TopicName.EVENTS.value: EventChanged,
    TopicName.THUMBNAILS.value: ThumbnailTaken,
}


class SiteReader:
    """Reads every partition of the site's cameras, observations, events and thumbnails, as a member of no group.

    Kafka may go and come: librdkafka reconnects, and goes on where it was. What cannot be read is counted and passed
    over: who is responsible for a topic buries it. `failure` is set when the thread ended by an error.

    Args:
        client: `watched(client_config(…), health)`.
        health: its part "site" is ready when everything that the topics held at the start was read.
        hand_over: takes what came, also when nothing came, at least five times a second.
        on_failure: called at the end of a thread that ended by an error.
    """

    def __init__(
        self,
        client: Mapping[str, Any],
        health: Health,
        hand_over: Callable[[Sequence[Arrival]], object],
        on_failure: Callable[[], object],
    ) -> None:
        self._client = client
        self._health = health
        self._hand_over = hand_over
        self._on_failure = on_failure
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="site-reader", daemon=True)
        self.failure: Exception | None = None

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def stop(self) -> None:
        """End, within a second."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        consumer = Consumer(
            {
                **self._client,
                "group.id": "watchpost-api",  # assign() joins no group, librdkafka wants a name nevertheless
                "enable.auto.commit": False,
                "enable.auto.offset.store": False,
                "isolation.level": "read_committed",
                "auto.offset.reset": "earliest",
                "fetch.wait.max.ms": 100,
            }
        )
        try:
            start = self._started(consumer)
            while not self._stop.is_set():
                self._hand_over([arrival for message in _taken(consumer) if (arrival := _read(message)) is not None])
                self._tell_how_far(start, consumer)
        except Exception as error:  # noqa: BLE001  (whatever it is: the service must not go on with an old view)
            self.failure = error
            self._on_failure()
        finally:
            consumer.close()

    def _started(self, consumer: Consumer) -> Start:
        """Assign everything, as soon as Kafka answers and has the topics."""
        while not self._stop.is_set():
            try:
                with kafka_errors_mapped("reading the site's topics"):
                    start = starting_points(consumer)
                    consumer.assign(start.points())
            except RetryableError as error:
                self._health.waiting(_PART, str(error))
                self._hand_over(())
                consumer.poll(0)  # what the connection's callbacks have to say
                self._stop.wait(_RETRY_S)
            else:
                return start
        return Start({}, {})

    def _tell_how_far(self, start: Start, consumer: Consumer) -> None:
        if not start.ends:
            self._health.ready(_PART)
            return
        with kafka_errors_mapped("reading the site's topics"):
            start.passed(consumer.position(start.unread()))
        if start.ends:
            self._health.waiting(_PART, f"{len(start.ends)} partitions are still to be read up to now")


def _taken(consumer: Consumer) -> list[Message]:
    first = consumer.poll(_WAIT_S)
    return [] if first is None else [first, *consumer.consume(_AT_ONCE - 1, 0)]


def _read(message: Message) -> Arrival | None:
    error = message.error()
    if error is not None:
        _check(error)
        return None
    topic, value = message.topic() or "", value_of(message)
    try:
        if topic == TopicName.CAMERAS.value:
            spec = None if value is None else decode(value, CameraSpec)
            at = datetime.fromtimestamp(message.timestamp()[1] / 1000, UTC)
            return SpecArrived(CameraId((key_of(message) or b"").decode()), spec, at)
        return None if value is None else Seen(decode(value, _RECORDS[topic]), len(value))
    except (ContractError, UnicodeDecodeError) as unreadable:
        metrics.API_RECORDS_UNREADABLE.labels(topic).inc()
        _LOG.warning("record_unreadable", topic=topic, offset=message.offset(), error=str(unreadable))
        return None


def _check(error: KafkaError) -> None:
    """Raise what waiting does not mend; all else librdkafka tries again."""
    if error.fatal():
        raise to_watchpost_error(error, "reading the site's topics")
    _LOG.warning("site_reader_error", error=error.str())
