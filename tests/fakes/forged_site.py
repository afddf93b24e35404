"""A site at the centre that no bridge wrote: what a real one brought, copied under another name, with lies in it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from confluent_kafka import Message, Producer

from tests.fakes.arrivals import Arrivals, Reader
from tests.fakes.brokers import unique
from watchpost.contracts import SourceHeader, TopicName, decode, encode, site_topics
from watchpost.contracts.records import BridgeCheckpoint, SiteId
from watchpost.site.delivery import read_topic
from watchpost.stream import headers_of, key_of, value_of
from watchpost.stream.topics import TopicPlan, apply_topics

__all__ = ["ForgedSite", "of_offset"]


@dataclass(frozen=True, slots=True)
class ForgedSite:
    """A site of its own name at `bootstrap`.

    Example:
        forged = ForgedSite(central.bootstrap)
        forged.copy(arrivals.messages[:-1])        # as if the last one had been lost
        forged.copy_checkpoints(site.name)
    """

    bootstrap: str
    name: SiteId = field(default_factory=lambda: SiteId(unique("forged")))

    def __post_init__(self) -> None:
        plans = [TopicPlan(each.name, each.partitions, each.settings) for each in site_topics("central", self.name)]
        apply_topics({"bootstrap.servers": self.bootstrap}, plans)

    def copy(self, messages: Iterable[Message], headers: Mapping[str, bytes] | None = None) -> None:
        """Write `messages` as this site's, with `headers` instead of theirs where they are named."""
        for message in messages:
            self.write(message, value_of(message), {**dict(headers_of(message)), **(headers or {})})

    def write(self, model: Message, value: bytes | None, headers: Mapping[str, bytes]) -> None:
        """Write `value` where `model` would lie as this site's."""
        _, _, camera = (key_of(model) or b"").partition(b"/")
        self._produce(
            model.topic() or "", value, self.name.encode() + b"/" + camera, list(headers.items()), model.timestamp()[1]
        )

    def copy_checkpoints(self, site: SiteId, more_records: int = 0) -> None:
        """Count what `site`'s checkpoints count, and `more_records` in each partition."""
        client = {"bootstrap.servers": self.bootstrap}
        for message in read_topic(client, TopicName.CHECKPOINTS.of(site), lambda message: message):
            known = decode(value_of(message) or b"", BridgeCheckpoint)
            positions = tuple(replace(place, next_offset=place.next_offset + more_records) for place in known.positions)
            told = encode(replace(known, site=self.name, positions=positions))
            self._produce(TopicName.CHECKPOINTS.of(self.name), told, key_of(message), [], 0)

    def reader(self, topic: TopicName = TopicName.EVENTS) -> Reader:
        """A reader of what is at the centre."""
        return Reader(self.bootstrap, topic, self.name)

    def _produce(
        self, topic: str, value: bytes | None, key: bytes | None, headers: list[tuple[str, bytes]], timestamp_ms: int
    ) -> None:
        producer = Producer({"bootstrap.servers": self.bootstrap, "partitioner": "murmur2", "log_level": 0})
        producer.produce(topic, value, key, headers=[*headers], timestamp=timestamp_ms)
        assert producer.flush(30) == 0


def of_offset(arrivals: Arrivals, offset: int) -> Message:
    """The record that came from `offset` of the site, where one partition alone was written to."""
    (found,) = (
        each for each in arrivals.messages if dict(headers_of(each)).get(SourceHeader.OFFSET) == str(offset).encode()
    )
    return found
