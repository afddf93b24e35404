"""Typed records into Kafka, each acknowledged before anything that depends on it goes on."""

from collections.abc import Mapping, Sequence
from typing import Any

from confluent_kafka import KafkaError, Message, Producer

from watchpost.contracts import encode
from watchpost.contracts.records import Record
from watchpost.errors import RetryableError
from watchpost.stream.messages import Header

__all__ = ["RecordProducer"]


class RecordProducer:
    """An idempotent producer that partitions as Java's does, so that a camera's records keep their order.

    Args:
        client: `client_config(…)` of the cluster.
        overrides: further settings of librdkafka.
    """

    def __init__(self, client: Mapping[str, Any], overrides: Mapping[str, str | int | float] | None = None) -> None:
        self._failure: KafkaError | None = None
        self._producer = Producer(
            {
                **client,
                "enable.idempotence": True,
                # librdkafka's default is CRC32: the same camera would land in another partition than aiokafka's
                "partitioner": "murmur2_random",
                "compression.type": "zstd",
                "linger.ms": 5,
                **(overrides or {}),
            }
        )

    def send(self, topic: str, record: Record, *, key: str, headers: Sequence[Header] = ()) -> None:
        """Queue `record`. It is safe only after `flush()` returned.

        Raises:
            ContractError: the record does not fit its schema.
        """
        self.send_bytes(topic, encode(record), key=key.encode(), headers=headers)

    def send_bytes(self, topic: str, value: bytes | None, *, key: bytes | None, headers: Sequence[Header] = ()) -> None:
        """Queue bytes as they are; None is a tombstone. While the queue is full this waits for acknowledgements."""
        while True:
            try:
                self._producer.produce(topic, value, key, headers=list(headers), on_delivery=self._delivered)
            except BufferError:
                self._producer.poll(0.1)
            else:
                self._producer.poll(0)
                return

    def flush(self, timeout_s: float = 30.0) -> None:
        """Wait until the broker has acknowledged everything sent so far.

        Raises:
            RetryableError: something was not acknowledged in time; whoever called must not commit.
        """
        waiting = self._producer.flush(timeout_s)
        failure, self._failure = self._failure, None
        if failure is not None:
            raise RetryableError(f"Kafka did not take a record: {failure.str()}")
        if waiting:
            raise RetryableError(f"{waiting} records were not acknowledged within {timeout_s} s")

    def _delivered(self, error: KafkaError | None, _message: Message) -> None:
        if error is not None:
            self._failure = error
