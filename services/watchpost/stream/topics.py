"""Makes the topics that the catalogue plans, and never changes one that exists."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient, ConfigResource, ConfigSource, NewTopic, ResourceType

from watchpost.errors import RetryableError
from watchpost.stream.kafka_errors import kafka_errors_mapped

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from confluent_kafka.admin import TopicMetadata

__all__ = ["TopicDifference", "TopicPlan", "TopicReport", "apply_topics"]

_TIMEOUT_S = 30.0
# librdkafka at times leaves a request that met a broker's restart without an answer, its own timeout notwithstanding
_LATE_S = 1.0


@dataclass(frozen=True, slots=True)
class TopicPlan:
    """A topic as it shall be: what `settings` leaves out is the broker's default."""

    name: str
    partitions: int
    settings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TopicDifference:
    """One way in which an existing topic is not as planned. None stands for a setting that is not set."""

    topic: str
    what: str
    planned: str | None
    found: str | None

    def __str__(self) -> str:
        planned, found = ("not set" if value is None else value for value in (self.planned, self.found))
        return f"{self.topic}: {self.what} is {found}, planned {planned}"


@dataclass(frozen=True, slots=True)
class TopicReport:
    """What `apply_topics` did and found: names of topics, and differences that it left alone."""

    created: tuple[str, ...]
    unchanged: tuple[str, ...]
    differences: tuple[TopicDifference, ...]

    def lines(self) -> tuple[str, ...]:
        """The report for a person: a line a topic or difference."""
        return (
            *(f"created   {name}" for name in self.created),
            *(f"unchanged {name}" for name in self.unchanged),
            *(f"DIFFERS   {difference}; left as it is" for difference in self.differences),
        )


def apply_topics(
    client: Mapping[str, Any], plans: Sequence[TopicPlan], *, replication_factor: int = 1, timeout_s: float = _TIMEOUT_S
) -> TopicReport:
    """Create the topics of `plans` that do not exist; say where the others differ. Safe to run again, or at once twice.

    Args:
        client: the settings that lead to the cluster; `bootstrap.servers` at least.
        plans: the topics, dead-letter topics among them.
        replication_factor: for topics that are created; another one of an existing topic is a difference.
        timeout_s: for each request.

    Raises:
        RetryableError: the cluster does not answer.
        WatchpostError: the cluster refuses, for example an unknown setting.

    """
    admin = AdminClient(dict(client))
    known = _existing(admin, timeout_s)
    missing = [plan for plan in plans if plan.name not in known]
    created = _create(admin, missing, replication_factor, timeout_s)
    existing = _existing_with(admin, {plan.name for plan in plans}, timeout_s)
    found = [plan for plan in plans if plan.name not in created]
    settings = _settings(admin, [plan.name for plan in found], timeout_s)
    differences = [
        difference
        for plan in found
        for difference in _compare(plan, existing[plan.name], settings[plan.name], replication_factor)
    ]
    differing = {difference.topic for difference in differences}
    return TopicReport(
        created=tuple(plan.name for plan in plans if plan.name in created),
        unchanged=tuple(plan.name for plan in found if plan.name not in differing),
        differences=tuple(differences),
    )


def _existing(admin: AdminClient, timeout_s: float) -> dict[str, TopicMetadata]:
    with kafka_errors_mapped("listing topics"):
        return admin.list_topics(timeout=timeout_s).topics


def _existing_with(admin: AdminClient, names: set[str], timeout_s: float) -> dict[str, TopicMetadata]:
    """All topics, once `names` are among them: a broker learns a moment later what its controller has accepted."""
    deadline = time.monotonic() + timeout_s
    while not names <= (existing := _existing(admin, timeout_s)).keys():
        if time.monotonic() > deadline:
            raise RetryableError(f"topics that exist are not yet to be seen: {', '.join(names - existing.keys())}")
        time.sleep(0.1)
    return existing


def _create(admin: AdminClient, plans: Sequence[TopicPlan], replication_factor: int, timeout_s: float) -> set[str]:
    """The names of the topics that were made; what another process made first is left out."""
    if not plans:
        return set()
    wanted = [NewTopic(plan.name, plan.partitions, replication_factor, config=dict(plan.settings)) for plan in plans]
    created = set()
    for name, outcome in admin.create_topics(wanted, request_timeout=timeout_s).items():
        with kafka_errors_mapped(f"creating topic {name}"):
            try:
                outcome.result(timeout_s + _LATE_S)
            except KafkaException as error:
                if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                    raise
            else:
                created.add(name)
    return created


def _settings(admin: AdminClient, names: Sequence[str], timeout_s: float) -> dict[str, dict[str, str | None]]:
    """For each topic, the settings that were set on the topic itself."""
    if not names:
        return {}
    resources = [ConfigResource(ResourceType.TOPIC, name) for name in names]
    found = {}
    for resource, outcome in admin.describe_configs(resources, request_timeout=timeout_s).items():
        with kafka_errors_mapped(f"reading the settings of {resource.name}"):
            found[resource.name] = {
                entry.name: entry.value
                for entry in outcome.result(timeout_s + _LATE_S).values()
                if entry.source == ConfigSource.DYNAMIC_TOPIC_CONFIG.value
            }
    return found


def _compare(
    plan: TopicPlan, topic: TopicMetadata, settings: Mapping[str, str | None], replication_factor: int
) -> list[TopicDifference]:
    replicas = min((len(partition.replicas) for partition in topic.partitions.values()), default=0)
    pairs: list[tuple[str, str | None, str | None]] = [
        ("partitions", str(plan.partitions), str(len(topic.partitions))),
        ("replication factor", str(replication_factor), str(replicas)),
        *((name, plan.settings.get(name), settings.get(name)) for name in sorted({*plan.settings, *settings})),
    ]
    return [TopicDifference(plan.name, what, planned, found) for what, planned, found in pairs if planned != found]
