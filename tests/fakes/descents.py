"""What the centre has for a site, and what of it came down."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, Message, Producer, TopicPartition

from tests.fakes.bridged_site import BridgedSite, partition_of
from tests.waiting import wait_for
from watchpost.contracts import SourceHeader, TopicName, decode, encode
from watchpost.contracts.records import CameraId, ReleasePublished, SiteId, Verdict, VerdictGiven
from watchpost.stream import headers_of, value_of

__all__ = ["Centre", "Landed", "landed", "release", "verdict"]

_CAMERAS = ("door", "yard", "hall")


def verdict(site: SiteId, name: str, camera: str = "door") -> VerdictGiven:
    """A verdict that differs from others by its name."""
    return VerdictGiven(
        verdict_id=name,
        event_id=f"event-of-{name}",
        site=site,
        camera=CameraId(camera),
        verdict=Verdict.CONFIRMED,
        given_at=datetime.now(UTC),
        given_by="recheck",
        confidence=0.9,
        note=None,
        provenance=None,
    )


def release(model: str, version: str) -> ReleasePublished:
    """A release of `model`."""
    return ReleasePublished(model, version, f"https://releases.example/{model}/{version}", "0" * 64, datetime.now(UTC))


@dataclass(frozen=True, slots=True)
class Centre:
    """Who gives verdicts and publishes releases.

    Example:
        Centre(site).give([verdict(site.name, "v1"), release("yolox", "2")])
    """

    site: BridgedSite

    @property
    def verdicts(self) -> str:
        """The topic of this site's verdicts."""
        return TopicName.SITE_VERDICTS.of(self.site.name)

    def give(self, records: Sequence[VerdictGiven | ReleasePublished]) -> None:
        """Write `records`, in order, acknowledged."""
        with self._producing() as produce:
            for record in records:
                if isinstance(record, VerdictGiven):
                    produce(self.verdicts, encode(record), record.camera.encode())
                else:
                    produce(TopicName.RELEASES, encode(record), record.model.encode())

    def give_bytes(self, topic: str, value: bytes | None, key: str, partition: int | None = None) -> None:
        """Write `value` as it is."""
        with self._producing() as produce:
            produce(topic, value, key.encode(), partition=-1 if partition is None else partition)

    def load(self, batch: int, count: int = 30) -> list[VerdictGiven]:
        """Give `count` verdicts of several cameras; they are named by `batch`."""
        given = [verdict(self.site.name, f"{batch}-{n}", _CAMERAS[n % 3]) for n in range(count)]
        self.give(given)
        return given

    @contextmanager
    def _producing(self) -> Iterator[Callable[..., None]]:
        outcomes: list[KafkaError | None] = []
        bootstrap = self.site.central_admin or self.site.central_bootstrap
        producer = Producer(
            {"bootstrap.servers": bootstrap, "enable.idempotence": True, "partitioner": "murmur2", "log_level": 0}
        )

        def produce(topic: str, value: bytes | None, key: bytes, partition: int = -1) -> None:
            producer.produce(
                topic, value, key, partition=partition, on_delivery=lambda error, _: outcomes.append(error)
            )

        yield produce
        assert producer.flush(30) == 0
        assert not any(outcomes)


class Landed:
    """Reads one of the site's topics from its beginning, whatever is committed and whatever is not."""

    def __init__(self, bootstrap: str, topic: TopicName) -> None:
        self.messages: list[Message] = []
        self._consumer = Consumer(
            {
                "bootstrap.servers": bootstrap,
                "group.id": "test-landed",
                "isolation.level": "read_uncommitted",
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
                "log_level": 0,
            }
        )
        count = len(self._consumer.list_topics(topic, timeout=10).topics[topic].partitions)
        self._consumer.assign([TopicPartition(topic, at, OFFSET_BEGINNING) for at in range(count)])

    def look(self) -> int:
        """How many have arrived, as far as they could be read in 0.2 s."""
        self.messages += [message for message in self._consumer.consume(5000, 0.2) if message.error() is None]
        return len(self.messages)

    def wait_for(self, count: int, within_s: float = 30.0) -> None:
        """Return as soon as `count` records have arrived; a little later more may."""
        wait_for(self.look, lambda seen: seen >= count, within_s=within_s)

    def wait_until_quiet(self, count: int, within_s: float = 30.0) -> None:
        """As `wait_for`, and then until nothing came for a second: repeats come late."""
        self.wait_for(count, within_s)
        quiet = [-1] * 5

        def is_quiet(seen: int) -> bool:
            quiet.append(seen)
            return len(set(quiet[-5:])) == 1

        wait_for(self.look, is_quiet, within_s=within_s)

    @property
    def values(self) -> list[bytes]:
        """Their values, partition by partition."""
        return [value_of(message) or b"" for message in self.messages]

    def names(self, camera: str = "") -> list[str]:
        """The verdicts' names in their order, those of one camera where one is named."""
        found = [decode(value, VerdictGiven) for value in self.values]
        return [each.verdict_id for each in found if camera in {"", each.camera}]

    def origins(self) -> dict[int, list[int]]:
        """By partition: the offsets at the centre that the records say they came from, in the order they lie there."""
        found: dict[int, list[int]] = defaultdict(list)
        for message in self.messages:
            headers = dict(headers_of(message))
            assert headers[SourceHeader.PARTITION] == str(message.partition()).encode()
            found[message.partition() or 0].append(int(headers[SourceHeader.OFFSET]))
        return found

    def assert_once_and_in_order(self, given: Sequence[VerdictGiven]) -> None:
        """Every one of `given`, nothing else, none twice, and each camera's in its order."""
        assert Counter(self.names()) == Counter(each.verdict_id for each in given)
        for camera in {each.camera for each in given}:
            assert self.names(camera) == [each.verdict_id for each in given if each.camera == camera]
        for offsets in self.origins().values():
            assert offsets == sorted(set(offsets))
        assert {partition_of(each.camera) for each in given} == set(self.origins())

    def close(self) -> None:
        self._consumer.close()


@contextmanager
def landed(site: BridgedSite, topic: TopicName = TopicName.VERDICTS) -> Iterator[Landed]:
    """What came down to `site`."""
    reader = Landed(site.site_bootstrap, topic)
    try:
        yield reader
    finally:
        reader.close()
