"""The site's side of the downlink: appends what comes from the centre, in order and without holes."""

from collections.abc import Mapping, Sequence
from typing import Any

from confluent_kafka import KafkaError, Producer

from watchpost.bridge.downlink_sorting import Descending
from watchpost.bridge.patience import patiently, reason_to_wait
from watchpost.errors import RetryableError

__all__ = ["DownlinkTarget"]

# shorter than the leadership's session (10 s): a bridge that was frozen for as long has nothing left to send when it
# wakes, since its client gives up what is older before it sends anything
_GIVEN_UP_AFTER_MS = 5_000
_FLUSHED_WITHIN_S = 7.0


class DownlinkTarget:
    """Appends to the site's topics, in order and without holes.

    Args:
        client: the settings that lead to the site's cluster, callbacks included.
    """

    def __init__(self, client: Mapping[str, Any]) -> None:
        self._config = {
            **client,
            "acks": "all",
            "enable.idempotence": True,
            # a record may not be missing before one that is there: the last one says how far all were brought
            "enable.gapless.guarantee": True,
            "message.timeout.ms": _GIVEN_UP_AFTER_MS,
            "linger.ms": 5,
        }
        self._producer: Producer | None = None

    def turn(self) -> None:
        """Let the client call back: statistics, errors."""
        if self._producer is not None:
            self._producer.poll(0)

    def write(self, records: Sequence[Descending]) -> None:
        """Append `records`.

        Raises:
            RetryableError: not all of them are acknowledged; `brought_up_to` tells which.
        """
        failures: list[KafkaError] = []
        producer = self._producer = self._producer or Producer(self._config)
        with patiently("writing to the site"):
            for record in records:
                producer.produce(
                    record.topic.value,
                    record.value,
                    record.key,
                    partition=record.partition,
                    headers=list(record.headers),
                    on_delivery=lambda error, _: failures.append(error) if error else None,
                )
        unknown = producer.flush(_FLUSHED_WITHIN_S)
        if not unknown and not failures:
            return
        self.close()
        if failures:
            raise reason_to_wait(failures[0], "writing to the site")
        raise RetryableError(f"writing to the site: {unknown} records were not acknowledged in time")

    def close(self) -> None:
        """Give the producer up, with what it did not send."""
        if self._producer is not None:
            self._producer.purge()
            self._producer.poll(0)
        self._producer = None
