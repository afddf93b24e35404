"""What must exist in Kafka before the events service can start: the site's topics, and its own changelog."""

from collections.abc import Mapping
from typing import Any

import structlog
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from watchpost.contracts import TopicName
from watchpost.errors import ConfigError, RetryableError
from watchpost.settings import SiteSettings
from watchpost.stream import client_config, watched
from watchpost.stream.topics import TopicPlan, apply_topics
from watchpost.telemetry import Running

__all__ = ["changelog_topic", "kafka_watch", "wait_for_topics"]

_LOG = structlog.get_logger()
_NEEDED = (TopicName.OBSERVATIONS, TopicName.EVENTS, TopicName.THUMBNAILS, TopicName.COMMANDS)
_CHANGELOG_SETTINGS = {
    "cleanup.policy": "compact",
    "segment.ms": "600000",  # a compacted log cleans closed segments only
    "segment.bytes": "16777216",
    "min.cleanable.dirty.ratio": "0.2",
}


def changelog_topic(app_id: str, table: str) -> str:
    """The name under which Faust looks for a table's changelog."""
    return f"{app_id}-{table}-changelog"


def wait_for_topics(settings: SiteSettings, table: str, service: Running) -> int | None:
    """Wait until the site's topics are there, make the changelog, and return how many partitions both have.

    Returns None when the service was asked to stop meanwhile.

    Raises:
        ConfigError: the changelog has another number of partitions than the observations.
    """
    client = _client(settings)
    while not service.stop.is_set():
        service.health.beat()
        try:
            partitions = _partitions(client)
            _make_changelog(client, changelog_topic(settings.events.app_id, table), partitions, settings)
        except RetryableError as problem:
            service.health.waiting("kafka", str(problem))
            service.stop.wait(1.0)
        else:
            service.health.ready("kafka")
            return partitions
    return None


def kafka_watch(settings: SiteSettings, service: Running) -> AdminClient:
    """A client that keeps the service's health true while Kafka comes and goes, as long as it is polled."""
    return AdminClient(watched(_client(settings), service.health))


def _client(settings: SiteSettings) -> dict[str, Any]:
    security = settings.kafka.security.client_config()
    return {**client_config(settings.kafka.address, security, "watchpost-events"), "log_level": 0}


def _partitions(client: Mapping[str, Any]) -> int:
    try:
        found = AdminClient(dict(client)).list_topics(timeout=2.0).topics
    except KafkaException as error:
        raise RetryableError(f"{client['bootstrap.servers']} does not answer: {error}") from error
    missing = [name.value for name in _NEEDED if name.value not in found]
    if missing:
        raise RetryableError(f"there is no topic {', '.join(missing)}; run `watchpost topics apply`")
    return len(found[TopicName.OBSERVATIONS.value].partitions)


def _make_changelog(client: Mapping[str, Any], name: str, partitions: int, settings: SiteSettings) -> None:
    plan = TopicPlan(name, partitions, _CHANGELOG_SETTINGS)
    report = apply_topics(client, [plan], replication_factor=settings.kafka.replication, timeout_s=10.0)
    for difference in report.differences:
        if difference.what == "partitions":
            raise ConfigError(
                "events.app_id",
                str(difference),
                "delete that topic to lose the open events, or choose another app_id",
            )
        _LOG.warning("changelog differs from its plan", difference=str(difference))
