"""Decides, without Kafka, what of the centre's messages comes down, what is another site's and what is held."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from confluent_kafka import Message, murmur2

from watchpost.bridge.manifest import Hold
from watchpost.contracts import SourceHeader, TopicName, encode, fingerprint_in, shipped_schemas
from watchpost.contracts.records import ReleasePublished, SiteId, VerdictGiven
from watchpost.errors import ContractError, UnknownSchemaError
from watchpost.stream import Header, headers_of, key_of, value_of

__all__ = ["Brought", "Descending", "DownlinkState", "Place", "Sorted", "Way", "held_reason", "sorted_out", "ways"]

Brought = VerdictGiven | ReleasePublished
Place = tuple[str, int]
"""A topic of the centre and one of its partitions."""


@dataclass(frozen=True, slots=True)
class Way:
    """One topic's way down: from partition n at the centre to partition n at the site."""

    source: str
    target: TopicName
    record: type[Brought]


def ways(site: SiteId) -> tuple[Way, ...]:
    """Everything that comes down. What is not here stays at the centre."""
    return (
        Way(TopicName.SITE_VERDICTS.of(site), TopicName.VERDICTS, VerdictGiven),
        Way(TopicName.RELEASES.value, TopicName.RELEASES, ReleasePublished),
    )


@dataclass(frozen=True, slots=True)
class Descending:
    """A record ready for the site; `value` is None where it deletes what a compacted topic holds under its key."""

    source: str
    topic: TopicName
    partition: int
    key: bytes
    value: bytes | None
    headers: Sequence[Header]


@dataclass(slots=True)
class DownlinkState:
    """Where the downlink stands: the centre's cluster and topics, and what is read next of each."""

    cluster_id: str
    topic_ids: dict[str, str] = field(default_factory=dict)
    positions: dict[Place, int] = field(default_factory=dict)
    held: dict[Place, Hold] = field(default_factory=dict)


@dataclass(slots=True)
class Sorted:
    """What becomes of a handful of messages, and the state after it."""

    positions: dict[Place, int]
    held: dict[Place, Hold]
    descending: list[Descending] = field(default_factory=list)
    foreign: int = 0

    def applied_to(self, state: DownlinkState) -> None:
        """Make it so: only after the site has it."""
        state.positions, state.held = self.positions, self.held


def sorted_out(
    messages: Sequence[Message],
    state: DownlinkState,
    site: SiteId,
    read: Callable[[bytes, type[Brought]], Brought],
) -> Sorted:
    """What comes of `messages`. The state is left as it is.

    Args:
        messages: in the order of their partitions.
        state: the downlink's.
        site: whose verdicts come down.
        read: decodes a value; its ContractError holds the partition there.
    """
    ways_by_source = {way.source: way for way in ways(site)}
    found = Sorted(dict(state.positions), dict(state.held))
    for message in messages:
        place, offset = (message.topic() or "", message.partition() or 0), message.offset() or 0
        hold = found.held.get(place)
        if (hold is not None and offset > hold.offset) or offset < found.positions[place]:
            continue
        try:
            descending = _descending(message, ways_by_source[place[0]], state, site, read)
        except ContractError as error:
            found.held[place] = Hold(offset, _with_remedy(error))
            continue
        found.held.pop(place, None)
        found.positions[place] = offset + 1
        if descending is None:
            found.foreign += 1
        else:
            found.descending.append(descending)
    return found


def held_reason(held: Mapping[Place, Hold]) -> str | None:
    """What the held partitions wait for, for a person; None when nothing is held."""
    reasons = [f"{topic}, partition {at}, offset {hold.offset}: {hold.reason}" for (topic, at), hold in held.items()]
    return "; ".join(reasons) or None


def _descending(
    message: Message,
    way: Way,
    state: DownlinkState,
    site: SiteId,
    read: Callable[[bytes, type[Brought]], Brought],
) -> Descending | None:
    """The record for the site; None where it is another site's."""
    partition = message.partition() or 0
    headers = [
        *headers_of(message),
        (SourceHeader.CLUSTER.value, state.cluster_id.encode()),
        (SourceHeader.TOPIC_ID.value, state.topic_ids[way.source].encode()),
        (SourceHeader.PARTITION.value, str(partition).encode()),
        (SourceHeader.OFFSET.value, str(message.offset()).encode()),
    ]
    value = value_of(message)
    if value is None and way.record is ReleasePublished:
        return Descending(way.source, way.target, partition, key_of(message) or b"", None, headers)
    record = read(value or b"", way.record)
    if isinstance(record, VerdictGiven) and record.site != site:
        return None
    key = (record.camera if isinstance(record, VerdictGiven) else record.model).encode()
    _require_partition(key, partition, sum(topic == way.source for topic, _ in state.positions))
    return Descending(way.source, way.target, partition, key, _as_the_site_reads(value or b"", record), headers)


def _require_partition(key: bytes, partition: int, partitions: int) -> None:
    expected = murmur2(key, partitions)
    if expected != partition:
        # whoever has the camera's partition at the site would not see it
        raise ContractError(
            f"{key.decode()} lies in partition {partition} instead of {expected}: whoever wrote it must take "
            "Kafka's partitioner (librdkafka: partitioner=murmur2), by the key alone"
        )


def _as_the_site_reads(value: bytes, record: Brought) -> bytes:
    """As it is, or, where a newer centre wrote it, in this release's schema: a site has no topic of schemas."""
    try:
        shipped_schemas().by_fingerprint(fingerprint_in(value))
    except UnknownSchemaError:
        return encode(record)
    return value


def _with_remedy(error: ContractError) -> str:
    if isinstance(error, UnknownSchemaError):
        return f"{error}; it comes down once {TopicName.SCHEMAS.value} at the centre has that schema"
    return f"{error}; what lies behind it waits until it is deleted at the centre (kafka-delete-records.sh)"
