"""What `watchpost dlq list|replay` do on a site's cluster."""

from collections.abc import Iterator

from watchpost.contracts import topics
from watchpost.errors import ConfigError
from watchpost.settings import SiteSettings
from watchpost.stream import RecordProducer, client_config, read_dead_letters, replay_dead_letters

__all__ = ["describe_dead_letters", "replay"]


def describe_dead_letters(settings: SiteSettings, topic: str) -> Iterator[dict[str, object]]:
    """One plain dict a dead letter of `topic`, oldest first, with its reason and where it came from."""
    for letter in read_dead_letters(_client(settings, topic), topic):
        yield {
            "reason": letter.reason,
            "service": letter.service,
            "topic": letter.source_topic,
            "partition": letter.source_partition,
            "offset": letter.source_offset,
            "key": None if letter.key is None else letter.key.decode(errors="replace"),
            "value_bytes": len(letter.value or b""),
        }


def replay(settings: SiteSettings, topic: str) -> int:
    """Send the dead letters of `topic` back to it, each once; how many that were."""
    client = _client(settings, topic)
    return replay_dead_letters(client, topic, RecordProducer(client))


def _client(settings: SiteSettings, topic: str) -> dict[str, object]:
    known = {known.name for known in topics("site") if known.dead_letters}
    if topic not in known:
        raise ConfigError("topic", f"{topic!r} has no dead letters", f"name one of {', '.join(sorted(known))}")
    return client_config(settings.kafka.address, settings.kafka.security.client_config(), "watchpost-dlq")
