"""One mover, one fresh centre, one link: what it did and what that cost."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.bridge.beside.arrival import watch_arrival
from benchmarks.bridge.beside.process_cost import cost_of
from benchmarks.bridge.beside.records import Written
from watchpost.contracts import TopicName, site_topics
from watchpost.contracts.records import SiteId
from watchpost.simulation.wan import WanProcess
from watchpost.stream.embedded import Detour, EmbeddedKafka
from watchpost.stream.free_ports import free_port
from watchpost.stream.topics import TopicPlan, apply_topics

__all__ = ["SITE", "Centre", "Result", "measured"]

SITE = SiteId("bench")
_TOPICS = {TopicName.EVENTS.value, TopicName.THUMBNAILS.value}

Mover = Callable[[str], AbstractContextManager[int]]
"""Given the centre's address behind the link: starts a mover, whose process id it yields, and ends it."""


@dataclass(frozen=True, slots=True)
class Result:
    """What is told of a run. Bytes on the wire are both directions, from the mover's start to the last record."""

    catch_up_mb_s: float
    first_record_s: float
    rss_mb: float
    wire_bytes: int
    cpu_s: float

    def as_plain(self) -> dict[str, float]:
        """What JSON can hold of it."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Centre:
    """A broker, the link to it, and the ways there."""

    direct: str
    through_link: str
    link: WanProcess
    partitions: dict[str, int]


@contextmanager
def _centre(folder: Path, delay_ms: float) -> Iterator[Centre]:
    detour_port = free_port()
    # in a process of its own, as the brokers and the movers are: none of them shares an interpreter with another
    with WanProcess(detour_port) as link, EmbeddedKafka(folder, detour=Detour(detour_port, link.port)) as kafka:
        plans = [TopicPlan(topic.name, topic.partitions, topic.settings) for topic in site_topics("central", SITE)]
        apply_topics({"bootstrap.servers": kafka.bootstrap}, plans)
        link.shape(delay_ms=delay_ms)
        partitions = {plan.name: plan.partitions for plan in plans if plan.name in _TOPICS}
        yield Centre(kafka.bootstrap, f"127.0.0.1:{link.port}", link, partitions)


def measured(
    folder: Path, mover: Mover, written: Written, rtt_ms: float, within_s: float, told: Callable[[str], None]
) -> Result:
    """Let `mover` carry what was written to a fresh centre over a link with this round trip.

    Raises:
        TimeoutError: not all arrived within `within_s`.
    """
    with _centre(folder, rtt_ms / 2) as centre:
        before_bytes = centre.link.meter.up_bytes + centre.link.meter.down_bytes
        began_s = time.monotonic()
        with mover(centre.through_link) as pid:
            last_told_s = began_s

            def seen(reached: int) -> None:
                nonlocal last_told_s
                if time.monotonic() - last_told_s > 1:
                    last_told_s = time.monotonic()
                    told(f"{last_told_s - began_s:6.1f} s  {reached} of {written.records}")

            arrival = watch_arrival(centre.direct, centre.partitions, written.records, within_s, seen)
            cost = cost_of(pid)
            wire_bytes = centre.link.meter.up_bytes + centre.link.meter.down_bytes - before_bytes
    if arrival.records > written.records:
        told(f"{arrival.records - written.records} records arrived twice")
    return Result(
        catch_up_mb_s=round(written.size_bytes / 1e6 / max(0.001, arrival.last_s - arrival.first_s), 2),
        first_record_s=round(arrival.first_s - began_s, 2),
        rss_mb=round(cost.peak_mb, 1),
        wire_bytes=wire_bytes,
        cpu_s=round(cost.cpu_s, 2),
    )
