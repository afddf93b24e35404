"""The centre's side of the downlink: reads from where the site's own log says, in small sips of the link."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from confluent_kafka import Consumer, Message, TopicPartition

from watchpost.bridge.downlink_sorting import Place
from watchpost.bridge.patience import patiently
from watchpost.bridge.wire_meter import ClientMeter
from watchpost.stream.kafka_errors import passes_by_itself

__all__ = ["DownlinkSource", "Sip"]

_FIRST_WAIT_S = 0.5
_QUIET_S = 0.01
_MOST_RECORDS = 64
# what is fetched was not paid for in advance: on a link of 50 kbit/s this is more than a second's worth already
_SIP_BYTES = 8192
# 25 partitions are 2 KB to ask for and be told that there is nothing: by the client's own half second, 30 kbit/s
_ASKED_FOR_MS = 15_000
# a link that fell silent is found out after both together
_SILENCE_MS = 20_000


@dataclass(frozen=True, slots=True)
class Sip:
    """What was read. `disturbed` says why the centre must be looked at anew after `messages`, or is None."""

    messages: tuple[Message, ...]
    disturbed: str | None


class DownlinkSource:
    """A consumer of what the centre has for this site.

    Args:
        client: the settings that lead to the centre, callbacks included.
        meter: counts what it reads, so that the link's cap holds in both directions.
    """

    def __init__(self, client: Mapping[str, Any], meter: ClientMeter) -> None:
        self._consumer = Consumer(
            {
                **meter.metered(client),
                # assign() joins no group, librdkafka wants a name nevertheless
                "group.id": "watchpost-bridge-downlink",
                "enable.auto.commit": False,
                "enable.auto.offset.store": False,
                # anything else would pass over what retention took, without a word
                "auto.offset.reset": "error",
                "isolation.level": "read_committed",
                "message.max.bytes": _SIP_BYTES,  # fetch.max.bytes is never less
                "fetch.max.bytes": _SIP_BYTES,
                "max.partition.fetch.bytes": _SIP_BYTES,
                "queued.max.messages.kbytes": _SIP_BYTES // 1024,
                "fetch.queue.backoff.ms": 20,
                "fetch.wait.max.ms": _ASKED_FOR_MS,
                "socket.timeout.ms": _SILENCE_MS,
            }
        )

    def close(self) -> None:
        self._consumer.close()

    def read_from(self, positions: Mapping[Place, int]) -> None:
        """Go on from these offsets, and read nothing else."""
        places = [TopicPartition(topic, partition, offset) for (topic, partition), offset in positions.items()]
        with patiently("reading from the centre"):
            self._consumer.assign(places)
            self._consumer.resume(places)

    def take(self) -> Sip:
        """What is there; the first is waited for up to 0.5 s."""
        messages: list[Message] = []
        for most, wait_s in ((1, _FIRST_WAIT_S), (_MOST_RECORDS, _QUIET_S)):
            for message in self._consumer.consume(most, wait_s):
                error = message.error()
                if error is None:
                    messages.append(message)
                elif not passes_by_itself(error):
                    return Sip(tuple(messages), f"{message.topic()}, partition {message.partition()}: {error.str()}")
            if not messages:
                break
        return Sip(tuple(messages), None)

    def hold(self, places: Iterable[Place]) -> None:
        """Fetch nothing more of `places` until the next `read_from`."""
        self._consumer.pause([TopicPartition(topic, partition) for topic, partition in places])
