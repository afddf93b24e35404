"""A reader at the centre that trusts nothing but committed records and their headers."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from confluent_kafka import OFFSET_BEGINNING, Consumer, Message, TopicPartition

from tests.waiting import wait_for
from watchpost.bridge import SourceHeader
from watchpost.contracts import TopicName
from watchpost.contracts.records import SiteId
from watchpost.stream import headers_of, key_of, value_of

__all__ = ["Arrivals", "Reader"]


@dataclass(frozen=True, slots=True)
class Arrivals:
    """What a careful reader (read_committed) finds at the centre of one site."""

    messages: Sequence[Message]

    def __repr__(self) -> str:
        return f"{len(self.messages)} records"

    @property
    def values(self) -> Counter[bytes]:
        """How often each value arrived."""
        return Counter(value_of(message) or b"" for message in self.messages)

    def headers(self) -> list[dict[str, str]]:
        """Each message's headers as text."""
        return [{name: value.decode() for name, value in headers_of(message)} for message in self.messages]

    def offsets(self) -> dict[tuple[str, int, int], list[int]]:
        """By topic id, epoch and partition: the source offsets that are accounted for, sorted, drops and gaps too."""
        accounted: dict[tuple[str, int, int], list[int]] = defaultdict(list)
        for header in self.headers():
            topic_id, epoch = header[SourceHeader.TOPIC_ID], int(header[SourceHeader.EPOCH])
            place = (topic_id, epoch, int(header[SourceHeader.PARTITION]))
            if SourceHeader.OFFSET in header:
                accounted[place].append(int(header[SourceHeader.OFFSET]))
            if SourceHeader.GAP_FROM in header:
                accounted[place] += range(int(header[SourceHeader.GAP_FROM]), int(header[SourceHeader.GAP_TO]))
            for dropped in filter(None, header.get(SourceHeader.DROPPED_REPEATS, "").split(",")):
                partition, _, span = dropped.partition(":")
                first, _, last = span.partition("-")
                accounted[topic_id, epoch, int(partition)] += range(int(first), int(last) + 1)
        return {place: sorted(offsets) for place, offsets in accounted.items()}

    def assert_gapless(self) -> None:
        """Each partition's source offsets follow one another, none twice."""
        for place, offsets in self.offsets().items():
            assert offsets == list(range(offsets[0], offsets[0] + len(offsets))), place


class Reader:
    """Reads one topic at the centre from its beginning, read_committed, one site's records only.

    Example:
        with Reader(central.bootstrap, TopicName.EVENTS, site.name) as reader:
            arrivals = reader.wait_for(100)
    """

    def __init__(self, bootstrap: str, topic: TopicName, site: SiteId) -> None:
        self._prefix = f"{site}/".encode()
        self._messages: list[Message] = []
        self._consumer = Consumer(
            {
                "bootstrap.servers": bootstrap,
                "group.id": "test-reader",
                "isolation.level": "read_committed",
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
                "log_level": 0,
            }
        )
        count = len(self._consumer.list_topics(topic, timeout=10).topics[topic].partitions)
        self._consumer.assign([TopicPartition(topic, partition, OFFSET_BEGINNING) for partition in range(count)])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._consumer.close()

    def look(self) -> Arrivals:
        """All that has arrived up to now, as far as it could be read in 0.2 s."""
        self.take(0.2, 5000)
        return Arrivals(tuple(self._messages))

    def take(self, within_s: float, most: int = 1) -> list[Message]:
        """What arrives next."""
        taken = [
            message
            for message in self._consumer.consume(most, within_s)
            if message.error() is None and (key_of(message) or b"").startswith(self._prefix)
        ]
        self._messages += taken
        return taken

    def wait_for(self, count: int, within_s: float = 25.0) -> Arrivals:
        """Return as soon as `count` records have arrived; a little later more may."""
        return wait_for(self.look, lambda seen: len(seen.messages) >= count, within_s=within_s)

    def wait_until_quiet(self, count: int, within_s: float = 25.0) -> Arrivals:
        """As `wait_for`, and then until nothing came for a second: repeats come late."""
        self.wait_for(count, within_s)
        quiet = [-1] * 5

        def is_quiet(seen: Arrivals) -> bool:
            quiet.append(len(seen.messages))
            return len(set(quiet[-5:])) == 1

        return wait_for(self.look, is_quiet, within_s=within_s)
