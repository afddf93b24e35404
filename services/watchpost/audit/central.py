"""Asks the centre what it holds: which sites, which stretches of its topics, and each site's checkpoint."""

import time
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from confluent_kafka import Consumer, KafkaError, Message, TopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource, ResourceType

from watchpost.audit.reading import Stretch, read_stretches
from watchpost.contracts import TopicName, decode, topics
from watchpost.contracts.records import BridgeCheckpoint, SiteId
from watchpost.errors import WatchpostError
from watchpost.stream import key_of, value_of, watermarks
from watchpost.stream.kafka_errors import kafka_errors_mapped

__all__ = ["Central", "Held"]

_ANSWER_S = 10.0
_TAIL_RECORDS = 512
_LANES = ("events", "thumbnails")


@dataclass(frozen=True, slots=True)
class Held:
    """What a topic holds as of now.

    `horizon_ms`: of what happened before, records may be gone; None where the topic never deleted any.
    """

    stretches: tuple[Stretch, ...]
    horizon_ms: int | None


class Central:
    """The centre. Every method raises WatchpostError when it does not answer, or refuses.

    Args:
        client: the settings that lead to it.
    """

    def __init__(self, client: Mapping[str, Any]) -> None:
        self._said: list[str] = []
        self.client = {**client, "error_cb": self._remember}
        self._consumer = Consumer(
            # read_committed would give the ends without what open transactions hold back
            {**self.client, "group.id": "watchpost-audit", "isolation.level": "read_uncommitted"}
        )

    def close(self) -> None:
        """Hang up."""
        self._consumer.close()

    @property
    def complaint(self) -> str | None:
        """What the connection failed of last: a wrong password shows here, and as a timeout elsewhere."""
        return self._said[-1] if self._said else None

    def sites(self) -> set[SiteId]:
        """Those that have a checkpoint topic."""
        before, after = TopicName.CHECKPOINTS.value.split("<site>")
        with kafka_errors_mapped("asking the centre for its topics"):
            names = self._consumer.list_topics(timeout=_ANSWER_S).topics
        return {
            SiteId(name.removeprefix(before).removesuffix(after))
            for name in names
            if name.startswith(before) and name.endswith(after)
        }

    def held(self, topic: TopicName, since_ms: int | None) -> Held:
        """What `topic` holds, from `since_ms` on where that is given."""
        marks = watermarks(self._consumer, topic, _ANSWER_S)
        starts = {partition: low for partition, (low, _) in marks.items()}
        if since_ms is not None:
            starts = self._starts_at(topic, since_ms, marks)
        stretches = tuple(Stretch(topic, number, starts[number], high) for number, (_, high) in sorted(marks.items()))
        edges = [since_ms] if since_ms is not None else []
        deleted = [each for each in stretches if each.start > 0]
        if deleted and any(marks[each.partition][0] > 0 for each in deleted):
            kept_ms = self._retention_ms(topic)  # -1: for ever
            edges += [int(time.time() * 1000) - kept_ms] if kept_ms >= 0 else []
            edges += self._first_times_ms(deleted)
        return Held(stretches, max(edges, default=None) if deleted else None)

    def checkpoints(self, sites: Iterable[SiteId]) -> dict[tuple[SiteId, str], BridgeCheckpoint]:
        """The last committed checkpoint of each site's lane, by site and producer."""
        marks = {site: watermarks(self._consumer, TopicName.CHECKPOINTS.of(site), _ANSWER_S)[0] for site in sites}
        found = self._checkpoints_in(
            {site: max(low, high - _TAIL_RECORDS) for site, (low, high) in marks.items()}, marks
        )
        # a lane that is quiet for long stands further back
        quiet = {site: low for site, (low, _) in marks.items() if any((site, lane) not in found for lane in _LANES)}
        return {**found, **self._checkpoints_in(quiet, marks)}

    def schemas(self) -> list[bytes]:
        """The schemas that bridges brought."""
        low, high = watermarks(self._consumer, TopicName.SCHEMAS, _ANSWER_S)[0]
        messages = read_stretches(self.client, [Stretch(TopicName.SCHEMAS, 0, low, high)])
        return [value for message in messages if (value := value_of(message)) is not None]

    def _checkpoints_in(
        self, starts: Mapping[SiteId, int], marks: Mapping[SiteId, tuple[int, int]]
    ) -> dict[tuple[SiteId, str], BridgeCheckpoint]:
        names = {TopicName.CHECKPOINTS.of(site): site for site in starts}
        stretches = [Stretch(name, 0, starts[site], marks[site][1]) for name, site in names.items()]
        found: dict[tuple[SiteId, str], BridgeCheckpoint] = {}
        for message in read_stretches(self.client, stretches):
            value = value_of(message)
            if value is not None:
                lane = (key_of(message) or b"").decode(errors="replace")
                found[names[message.topic() or ""], lane] = decode(value, BridgeCheckpoint)
        return found

    def _starts_at(self, topic: str, since_ms: int, marks: Mapping[int, tuple[int, int]]) -> dict[int, int]:
        asked = [TopicPartition(topic, partition, since_ms) for partition in marks]
        with kafka_errors_mapped(f"asking for the offsets of {topic} at a time"):
            answered = self._consumer.offsets_for_times(asked, timeout=_ANSWER_S)
        return {each.partition: each.offset if each.offset >= 0 else marks[each.partition][1] for each in answered}

    def _first_times_ms(self, stretches: Iterable[Stretch]) -> list[int]:
        return [message.timestamp()[1] for each in stretches if (message := self._first_of(each)) is not None]

    def _first_of(self, stretch: Stretch) -> Message | None:
        with closing(read_stretches(self.client, [stretch])) as messages:
            return next(messages, None)

    def _retention_ms(self, topic: TopicName) -> int:
        asked = ConfigResource(ResourceType.TOPIC, topic.value)
        try:
            with kafka_errors_mapped(f"asking for the settings of {topic}"):
                answered = AdminClient(self.client).describe_configs([asked], request_timeout=_ANSWER_S)
                return int(answered[asked].result(_ANSWER_S + 1)["retention.ms"].value)
        except WatchpostError:
            # a right that who audits may lack; the catalogue's value then
            (known,) = (each for each in topics("central") if each.name == topic)
            return int(known.settings["retention.ms"])

    def _remember(self, error: KafkaError) -> None:
        self._said.append(error.str())
        del self._said[:-1]
